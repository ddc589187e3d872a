/**
 * What the platform's own TLS says of a server whose certificate is its own authority, as `openssl req -x509` makes
 * them. Container runtimes take one that they were told to trust, and so does the TLS of Node.
 */
export const SELF_SIGNED = /CaUsedAsEndEntity/;
