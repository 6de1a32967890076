/** Version of this client; manager and agents of one release have the same. */
export const VERSION = "0.1.0";
