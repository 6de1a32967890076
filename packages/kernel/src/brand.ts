declare const brand: unique symbol;

/** A value of type T that only code naming `Name` may mint; costs nothing at run time. */
export type Brand<T, Name extends string> = T & { readonly [brand]: Name };
