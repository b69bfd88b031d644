import { cpus, loadavg, totalmem } from "node:os";

/** The machine in one line, with what else it was busy with: figures mean nothing without it. */
export function describeMachine(): string {
  const all = cpus();
  const model = all[0]?.model.replace(/\s+/g, " ").trim();
  const memoryGb = Math.round(totalmem() / 2 ** 30);
  return [
    `${all.length} x ${model || "unknown processor"}`,
    `${memoryGb} GB`,
    `${process.platform} ${process.arch}`,
    `Node ${process.versions.node}`,
    `load ${loadavg()[0]?.toFixed(1)}`,
    new Date().toISOString().slice(0, 10),
  ].join(", ");
}
