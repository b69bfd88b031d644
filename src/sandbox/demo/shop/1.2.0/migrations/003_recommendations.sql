CREATE TABLE recommendations (
  item text PRIMARY KEY,
  goes_with text NOT NULL
);

INSERT INTO recommendations (item, goes_with) VALUES
  ('Espresso beans', 'Hand grinder'),
  ('Filter coffee', 'Oat milk');

ALTER TABLE orders ADD COLUMN recommended text;
