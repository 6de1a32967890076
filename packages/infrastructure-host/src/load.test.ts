import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ComputingPower } from "@weft/infrastructure";
import type { OperationsPerSecond, Ratio } from "@weft/kernel";
import { afterEach, describe, expect, it } from "vitest";
import { LoadMeter, othersUse, readBattery } from "./load.ts";

const power = (each: number): ComputingPower => ({
  logical: each as OperationsPerSecond,
  parallel: each as OperationsPerSecond,
  neural: each as OperationsPerSecond,
});

describe("LoadMeter", () => {
  it("others' use is what is busy and not ours, over the time since the last look", () => {
    const counts = { busy: 100, own: 10, seconds: 0 };
    const meter = new LoadMeter(tmpdir(), {
      busySeconds: () => counts.busy,
      ownSeconds: () => counts.own,
      seconds: () => counts.seconds,
      runnable: () => null,
      battery: () => 0.5 as Ratio,
    });
    expect(meter.sample()).toMatchObject({ othersCores: null, ownCores: null, battery: 0.5 });
    Object.assign(counts, { busy: 103, own: 11, seconds: 2 });
    expect(meter.sample()).toMatchObject({ othersCores: 1, ownCores: 0.5 });
    Object.assign(counts, { busy: 109, seconds: 2.1 }); // too soon to tell
    expect(meter.sample()).toMatchObject({ othersCores: 1, ownCores: 0.5 });
    Object.assign(counts, { busy: 109, own: 30, seconds: 4 }); // counters tick apart: never below zero
    expect(meter.sample()).toMatchObject({ othersCores: 0, ownCores: 9.5 });
  });

  it("others want as many cores as they have threads ready, where nothing is idle", () => {
    const counts = { busy: 0, own: 0, seconds: 0, runnable: 1 };
    const sources = {
      busySeconds: () => counts.busy,
      ownSeconds: () => counts.own,
      runnable: () => counts.runnable,
      seconds: () => counts.seconds,
      battery: () => null,
    };
    const meter = new LoadMeter(tmpdir(), sources, 2);
    const after = (seconds: number, used: number, runnable: number) => {
      counts.seconds += seconds;
      counts.busy += used;
      counts.runnable = runnable;
      return meter.sample().othersWant as number;
    };
    expect(meter.sample().othersWant).toBe(null);
    expect(after(2, 1, 6)).toBe(0.5); // a moment's crowd on a machine that is mostly idle
    for (let i = 0; i < 20; i++) after(2, 4, 6);
    expect(after(2, 4, 6)).toBeCloseTo(5, 1);
    for (let i = 0; i < 20; i++) after(2, 4, 900);
    expect(after(2, 4, 900)).toBe(8); // no more than is worth knowing
    expect(after(2, 0.5, 1)).toBe(0.25);
  });

  it("looks at this machine", () => {
    const load = new LoadMeter(tmpdir()).sample();
    expect(load.freeMemoryBytes).toBeGreaterThan(0);
    expect(load.freeStorageBytes).toBeGreaterThanOrEqual(0);
  });
});

it("others take from a node what is neither left idle nor a fair part of the machine", () => {
  const taken = (allowed: number, others: number) => othersUse(power(100), allowed, others, 2).logical;
  expect(taken(1, 0.9)).toBe(0);
  expect(taken(1, 1.5)).toBeCloseTo(20);
  expect(taken(0.5, 2)).toBeCloseTo(20);
  expect(taken(2, 0.5)).toBeCloseTo(20);
  expect(taken(2, 0)).toBe(0);
});

describe("readBattery", () => {
  let dir: string;
  afterEach(() => rmSync(dir, { recursive: true, force: true }));
  function supplies(all: Record<string, Record<string, string>>): string {
    dir = mkdtempSync(join(tmpdir(), "weft-power-"));
    for (const [name, files] of Object.entries(all)) {
      mkdirSync(join(dir, name));
      for (const [file, text] of Object.entries(files)) writeFileSync(join(dir, name, file), `${text}\n`);
    }
    return dir;
  }
  const battery = { type: "Battery", status: "Discharging", capacity: "81" };

  it("gives the least charge the machine runs on", () => {
    const two = { BAT0: battery, BAT1: { ...battery, capacity: "40" }, AC: { type: "Mains", online: "0" } };
    expect(readBattery(supplies(two))).toBe(0.4);
  });

  it.each([
    ["on mains power", { BAT0: battery, AC: { type: "Mains", online: "1" } }],
    ["while charging", { BAT0: { ...battery, status: "Charging" } }],
    ["of a mouse", { hid: { ...battery, scope: "Device" } }],
    ["where there is none", {}],
    ["that says nothing", { BAT0: { type: "Battery", status: "Discharging" } }],
  ])("is null %s", (_when, all: Record<string, Record<string, string>>) => {
    expect(readBattery(supplies(all))).toBe(null);
  });

  it("is null where the folder is missing", () => {
    dir = supplies({});
    expect(readBattery(join(dir, "no"))).toBe(null);
  });
});
