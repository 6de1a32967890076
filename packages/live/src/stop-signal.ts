/**
 * Raised when this process is asked to end: by SIGINT, SIGTERM or SIGHUP, or because the process that started it over
 * a channel is gone. To be made first of all, so that a word that comes during a start is not lost; whatever comes
 * after the first changes nothing, so that an ending in order is not cut short by a second one.
 */
export function stopSignal(): AbortSignal {
  const asked = new AbortController();
  const ask = (): void => asked.abort();
  process.on("SIGINT", ask).on("SIGTERM", ask).on("SIGHUP", ask);
  const orphaned = (): void => {
    // Nobody reads what we say any more, which must not keep us from ending in order.
    process.stdout.on("error", () => {});
    process.stderr.on("error", () => {});
    ask();
  };
  const hadChannel = process.send !== undefined;
  if (process.connected) process.once("disconnect", orphaned);
  else if (hadChannel) orphaned(); // gone while this process was loading
  return asked.signal;
}

/** Resolves when the signal is raised; at once when it was. */
export const raised = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
