import { Gauge, Registry } from "prom-client";
import type { Reading } from "../journal/types.ts";

export interface Metrics {
  readonly registry: Registry;
  /** Takes over what a check measured. */
  observe(reading: Reading): void;
  /** Drops a service's series, when another replica measures it from now on: a stale value is worse than none. */
  forget(service: string): void;
}

/** The guide's metrics, one registry of their own. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  const gauge = (name: string, help: string, labelNames: string[]) =>
    new Gauge({ name, help, labelNames, registers: [registry] });
  const usage: Record<string, Gauge> = {
    cpu: gauge("cpu_usage_percent", "How busy the service's host is, all cores together", ["service"]),
    memory: gauge("memory_usage_percent", "Memory of the service's host that programs cannot get any more", [
      "service",
    ]),
    disk: gauge("disk_usage_percent", "How full the service's file system is; the fullest of several", [
      "service",
    ]),
  };
  const latency = gauge(
    "api_latency_seconds",
    "Time until the service's health answered; the slowest of several",
    ["service"],
  );
  const health = gauge(
    "component_health_status",
    "1 when all checks of the component are well or only warn, else 0",
    ["service", "component"],
  );
  const newest = new Map<string, Map<string, Reading>>();

  return {
    registry,
    observe(reading) {
      const { service, type, component } = reading;
      const readings = newest.get(service) ?? new Map<string, Reading>();
      newest.set(service, readings.set(reading.check, reading));
      const all = [...readings.values()];
      const target = type === "http" ? latency : usage[type];
      if (target)
        setWorst(
          target,
          service,
          all.filter((other) => other.type === type),
        );
      const well = all
        .filter((other) => other.component === component)
        .every(({ state }) => state === "ok" || state === "warning");
      health.set({ service, component }, well ? 1 : 0);
    },
    forget(service) {
      for (const target of [...Object.values(usage), latency]) target.remove({ service });
      for (const component of new Set(
        [...(newest.get(service)?.values() ?? [])].map((reading) => reading.component),
      )) {
        health.remove({ service, component });
      }
      newest.delete(service);
    },
  };
}

/** A measurement that failed has no value: its series goes rather than standing still. */
function setWorst(target: Gauge, service: string, readings: Reading[]): void {
  const values = readings.flatMap(({ value }) => (value === null ? [] : [value]));
  if (values.length < readings.length) target.remove({ service });
  else target.set({ service }, Math.max(...values));
}
