import { describe, expect, it } from "vitest";
import type { Component, Reading, ReadingState } from "../../src/journal/types.ts";
import { createMetrics } from "../../src/tasks/metrics.ts";

function reading(
  type: string,
  component: Component,
  state: ReadingState,
  value: number | null,
  check = type,
): Reading {
  return {
    service: "shop",
    check,
    type,
    component,
    state,
    summary: "",
    value,
    unit: "",
    at: new Date().toISOString(),
    durationMs: 1,
  };
}
const lines = async (metrics: ReturnType<typeof createMetrics>) =>
  (await metrics.registry.metrics()).split("\n").filter((line) => line !== "" && !line.startsWith("#"));

describe("the metrics", () => {
  it("follow the readings", async () => {
    const metrics = createMetrics();
    metrics.observe(reading("cpu", "host", "ok", 12.5));
    metrics.observe(reading("memory", "host", "warning", 85));
    metrics.observe(reading("disk", "host", "ok", 40));
    metrics.observe(reading("disk", "host", "ok", 60, "disk-2"));
    metrics.observe(reading("http", "application", "ok", 0.02));
    expect(await lines(metrics)).toEqual([
      'cpu_usage_percent{service="shop"} 12.5',
      'memory_usage_percent{service="shop"} 85',
      'disk_usage_percent{service="shop"} 60',
      'api_latency_seconds{service="shop"} 0.02',
      'component_health_status{service="shop",component="host"} 1',
      'component_health_status{service="shop",component="application"} 1',
    ]);
  });

  it("drop a value that could not be measured, and count its component as not healthy", async () => {
    const metrics = createMetrics();
    metrics.observe(reading("http", "application", "ok", 0.02));
    metrics.observe(reading("http", "application", "critical", null));
    expect(await lines(metrics)).toEqual([
      'component_health_status{service="shop",component="application"} 0',
    ]);
    metrics.observe(reading("http", "application", "ok", 0.03));
    metrics.observe(reading("version", "application", "unknown", null));
    expect(await lines(metrics)).toEqual([
      'api_latency_seconds{service="shop"} 0.03',
      'component_health_status{service="shop",component="application"} 0',
    ]);
  });

  it("forget a service that is measured elsewhere", async () => {
    const metrics = createMetrics();
    metrics.observe(reading("cpu", "host", "ok", 12.5));
    metrics.observe(reading("http", "application", "ok", 0.02));
    metrics.forget("shop");
    expect(await lines(metrics)).toEqual([]);
    expect(await metrics.registry.metrics()).toContain("# HELP api_latency_seconds");
  });
});
