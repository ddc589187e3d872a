/** What the TLS of a client says when the other side speaks plain HTTP. */
export const NOT_TLS = /InvalidContentType|wrong version number/i;
