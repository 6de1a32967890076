import type { OrganisationAct } from "@weft/market";
import type { Role } from "@weft/service";
import type { z } from "zod";

/** Who may call: some roles; anyone; or, besides managers, any process on the server's own machine. */
export type Access = readonly Role[] | "anyone" | "local";

export interface Route {
  readonly access: Access;
  /** What a member of an organisation must be allowed to do, besides the role of its account. */
  readonly act?: OrganisationAct;
  readonly summary: string;
  readonly params?: z.ZodType;
  readonly query?: z.ZodType;
  readonly body?: z.ZodType;
  /** A schema for JSON; a media type for a stream or a text. */
  readonly answer: z.ZodType | string;
  readonly status?: 201;
}
