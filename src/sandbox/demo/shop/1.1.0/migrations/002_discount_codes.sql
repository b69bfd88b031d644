CREATE TABLE discount_codes (
  code text PRIMARY KEY,
  percent integer NOT NULL CHECK (percent BETWEEN 1 AND 90)
);

INSERT INTO discount_codes (code, percent) VALUES ('WELCOME10', 10), ('FRIENDS20', 20);

ALTER TABLE orders ADD COLUMN discount_code text REFERENCES discount_codes (code);
