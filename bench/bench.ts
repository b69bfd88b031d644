/** What a benchmark is: data and one function. */

export interface Bench {
  /** also its file's name, and the word after `npm run bench --` */
  name: string;
  /** what it does, in one line */
  help: string;
  /** the figure to reach, in words */
  aim: string;
  run(context: BenchContext): Promise<BenchResult>;
}

export interface BenchContext {
  /** the whole instead of the quick form (under five minutes) */
  long: boolean;
  print(line: string): void;
}

export interface BenchResult {
  /** the figure measured, in the words of the aim */
  figure: string;
  reached: boolean;
}
