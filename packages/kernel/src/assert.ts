/** A bug of ours: a broken assertion stops the program. Never used for bad input or a failing world. */
export class AssertionFailure extends Error {
  override readonly name = "AssertionFailure";
}

/** Stops when an invariant of our own code does not hold. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionFailure(message);
}

/** Closes a switch over a union: the type checker proves that no case is missing. */
export function unreachable(value: never): never {
  throw new AssertionFailure(`unreachable case: ${JSON.stringify(value)}`);
}
