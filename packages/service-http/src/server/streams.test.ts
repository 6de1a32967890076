import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { begin, call, end, manager, read, submission, tokens, url } from "../testing/serving.ts";

beforeAll(begin);
afterAll(end);

describe("events as CloudEvents", () => {
  const told = {
    specversion: "1.0",
    id: expect.any(String),
    source: `urn:weft:manager:${"ab".repeat(32)}`,
    type: expect.stringMatching(/^dev\.weft\.task\.[a-z-]+$/),
    subject: expect.any(String),
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    datacontenttype: "application/json",
    data: expect.objectContaining({ name: "count" }),
  };
  it("come in batches, each going on where the last ended", async () => {
    await call("POST", "/v1/tasks", tokens.consumer, submission("cloud-1"));
    const accept = { accept: "application/cloudevents-batch+json" };
    const first = await call("GET", "/v1/events?subjects=task", tokens.consumer, undefined, accept);
    expect(first.headers.get("content-type")).toMatch("application/cloudevents-batch+json");
    const events = first.json();
    expect(events.at(-1)).toEqual(told);
    await call("POST", "/v1/tasks", tokens.consumer, submission("cloud-2"));
    const path = `/v1/events?subjects=task&after=${events.at(-1).id}`;
    const next = await call("GET", path, tokens.consumer, undefined, accept);
    expect(next.json().length).toBeGreaterThan(0);
    expect(next.json()).not.toContainEqual(events.at(-1));
    expect((await call("GET", path, tokens.stranger, undefined, accept)).json()).toEqual([]);
  });

  it("come as a stream, one by one", async () => {
    const abort = new AbortController();
    const response = await fetch(`${url}/v1/events?after=oldest&subjects=task`, {
      headers: { authorization: `Bearer ${tokens.consumer}`, accept: "application/cloudevents+json" },
      signal: abort.signal,
    });
    let text = "";
    for await (const chunk of response.body!) {
      text += Buffer.from(chunk).toString();
      if (/^data: .*\n\n/m.test(text)) break;
    }
    abort.abort();
    expect(JSON.parse(/^data: (.*)$/m.exec(text)![1]!)).toEqual(told);
  });
});

describe("streams", () => {
  it("tell every change from where the watcher left, and only his own", async () => {
    const { id } = (await call("POST", "/v1/tasks", tokens.consumer, submission("watched"))).json();
    let changed = false;
    const watching = read("/v1/events?subjects=task", tokens.consumer, (text) => {
      const made = manager.task({ account: "consumer-1", role: "consumer" }, id);
      if (made.ok && !changed && text.includes("watching")) {
        changed = true;
        manager.change({ ...made.value, phase: "launched" }, "launched");
      }
      return text.includes("event: task");
    });
    const cursor = /id: (\S+)/.exec((await watching).text)?.[1] as string;
    manager.finish(id);
    const rest = await read("/v1/events", tokens.consumer, (text) => text.includes('"succeeded"'), {
      "last-event-id": cursor,
    });
    const whats = [...rest.text.matchAll(/"what":"(\w+)"/g)].map((match) => match[1]);
    expect(whats).toEqual(["running", "succeeded"]);
    const foreign = await read(`/v1/events?after=${cursor}`, tokens.stranger, (text) =>
      text.includes("watching"),
    );
    expect(foreign.text).not.toContain("event: task");
  });

  it("are refused when what is asked for is gone", async () => {
    const { status, json } = await call("GET", "/v1/events?after=other-1", tokens.consumer);
    expect([status, json().error.code]).toEqual([410, "E_EVENTS_GONE"]);
  });

  it("of logs give what was printed, follow to the end, and go on after a serial", async () => {
    const { id } = (await call("POST", "/v1/tasks", tokens.consumer, submission("printing"))).json();
    manager.print(id, "one");
    const texts = (ndjson: string) =>
      ndjson
        .split("\n")
        .filter(Boolean)
        .map((line) => JSON.parse(line).text);
    expect(texts((await call("GET", `/v1/tasks/${id}/logs`, tokens.consumer)).text)).toEqual(["one"]);
    const following = call("GET", `/v1/tasks/${id}/logs?follow=true&after=1`, tokens.consumer);
    await new Promise((resolve) => setTimeout(resolve, 50));
    manager.print(id, "two");
    manager.finish(id);
    expect(texts((await following).text)).toEqual(["two"]);
  });

  it("are bounded for each account", async () => {
    const aborts = new AbortController();
    const opened = await Promise.all(
      Array.from({ length: 70 }, () =>
        fetch(`${url}/v1/events`, {
          headers: { authorization: `Bearer ${tokens.stranger}` },
          signal: aborts.signal,
        }),
      ),
    );
    expect(opened.filter((response) => response.status === 429).length).toBeGreaterThanOrEqual(6);
    aborts.abort();
  });
});
