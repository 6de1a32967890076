import { workerData } from "node:worker_threads";

/*
 * A thread beside the one that computes. A network may run for hours without giving that thread a turn to see that the
 * parent process is gone; a process whose parent died gets another, and then this ends it.
 */
const parent = workerData as number;
setInterval(() => {
  if (process.ppid !== parent) process.kill(process.pid, "SIGKILL");
}, 1000);
