const names = new Map<string, string>();

/** A row with its columns' names in camelCase. `T` is the record that the table's migration describes. */
export function camelRow<T>(row: Record<string, unknown>): T {
  const record: Record<string, unknown> = {};
  for (const [column, value] of Object.entries(row)) {
    record[camelName(column)] = value;
  }
  return record as T;
}

export function firstRow<T>(result: { rows: Record<string, unknown>[] }): T | undefined {
  const row = result.rows[0];
  return row ? camelRow<T>(row) : undefined;
}

export function allRows<T>(result: { rows: Record<string, unknown>[] }): T[] {
  return result.rows.map((row) => camelRow<T>(row));
}

/** Kept, since there are few columns and many rows. */
function camelName(column: string): string {
  let name = names.get(column);
  if (name === undefined) {
    name = column.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
    names.set(column, name);
  }
  return name;
}
