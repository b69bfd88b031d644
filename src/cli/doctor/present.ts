import type { Finding } from "./finding.ts";

/** The findings as a table for a terminal; what to do stands under what was found. */
export function presentFindings(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map((finding) => finding.check.length));
  const indent = " ".repeat(9 + width + 2);
  const rows = findings.map(({ check, state, found, advice }) => {
    const [first, ...more] = found.split("\n");
    const lines = [
      `${state.padEnd(9)}${check.padEnd(width)}  ${first}`,
      ...more.map((line) => `${indent}${line.trim()}`),
    ];
    if (advice !== null)
      lines.push(...advice.split("\n").map((line, index) => `${indent}${index ? "  " : "> "}${line}`));
    return lines.map((line) => line.trimEnd()).join("\n");
  });
  return `${rows.join("\n")}\n\n${summary(findings)}\n`;
}

function summary(findings: readonly Finding[]): string {
  const count = (state: Finding["state"]) => findings.filter((finding) => finding.state === state).length;
  const [problems, warnings] = [count("problem"), count("warning")];
  if (problems + warnings === 0) return `All ${findings.length} checks are ok.`;
  const said = [plural(problems, "problem"), plural(warnings, "warning")].filter(Boolean).join(", ");
  return `${said}; ${count("ok")} of ${findings.length} checks are ok.`;
}

function plural(count: number, word: string): string {
  return count === 0 ? "" : `${count} ${word}${count === 1 ? "" : "s"}`;
}
