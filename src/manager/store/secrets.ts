/** Secrets that the manager makes for itself and that all managers of one database share. No route shows them. */
export interface SecretStore {
  /** The secret of this name; `fresh` becomes it when there is none yet. */
  getOrCreate(name: string, fresh: string): Promise<string>;
}
