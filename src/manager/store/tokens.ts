import type { Identified, Repository } from "./repository.ts";

/** A personal access token, without the secret itself. */
export interface TokenInput {
  readonly name: string;
  readonly bio: string;
  /** As `hashToken` makes it. */
  readonly tokenHash: string;
  /** What it opens, such as `job` and `cluster`; none opens everything, as tokens of old did. */
  readonly scopes: readonly string[];
  readonly state: "active" | "inactive";
  readonly expiredAtMs: number;
  /** 0 when it belongs to nobody. */
  readonly userId: number;
}

/** A stored token. */
export interface Token extends TokenInput, Identified {}

/** Which tokens to list. */
export type TokenFilter = Partial<Pick<Token, "state" | "userId">>;

/** Personal access tokens. Names and tokens are given once. */
export interface TokenStore extends Repository<Token, TokenInput, TokenFilter> {
  findByHash(tokenHash: string): Promise<Token | undefined>;
}
