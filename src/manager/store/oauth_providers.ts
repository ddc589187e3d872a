import type { Identified, Repository } from "./repository.ts";

/** A provider of sign-ins. */
export interface OauthProviderInput {
  /** `github` or `google`. */
  readonly name: string;
  readonly bio: string;
  readonly clientId: string;
  /** Stored as it is, for the provider wants it in clear; never shown. */
  readonly clientSecret: string;
  readonly redirectUrl: string;
}

/** A stored provider. */
export interface OauthProvider extends OauthProviderInput, Identified {}

/** Which providers to list. */
export type OauthProviderFilter = Partial<Pick<OauthProvider, "name" | "clientId">>;

/** Providers of sign-ins. Names and client ids are given once. */
export interface OauthProviderStore extends Repository<OauthProvider, OauthProviderInput, OauthProviderFilter> {
  findByName(name: string): Promise<OauthProvider | undefined>;
}
