import { AsnConvert, OctetString } from "@peculiar/asn1-schema";
import {
  AlgorithmIdentifier,
  AttributeTypeAndValue,
  AttributeValue,
  AuthorityKeyIdentifier,
  BasicConstraints,
  Certificate,
  ExtendedKeyUsage,
  Extension,
  Extensions,
  GeneralName,
  id_ce_authorityKeyIdentifier,
  id_ce_basicConstraints,
  id_ce_extKeyUsage,
  id_ce_keyUsage,
  id_ce_subjectAltName,
  id_ce_subjectKeyIdentifier,
  id_kp_serverAuth,
  KeyIdentifier,
  KeyUsage,
  KeyUsageFlags,
  Name,
  RelativeDistinguishedName,
  SubjectAlternativeName,
  SubjectKeyIdentifier,
  SubjectPublicKeyInfo,
  TBSCertificate,
  Validity,
  Version,
} from "@peculiar/asn1-x509";
import { createHash, type KeyObject, sign } from "node:crypto";
import { isIP } from "node:net";
import { DamselflyError } from "../../core/error.ts";
import { derOfPem, pemOfDer } from "../../core/certificates.ts";

/** Bytes of a serial number; 20 are allowed (RFC 5280 §4.1.2.2). */
export const SERIAL_BYTES = 16;
/** Of a common name (RFC 5280, appendix A). */
const COMMON_NAME_MAX = 64;
const COMMON_NAME = "2.5.4.3";

/** Of SHA-256 with the key of an authority. */
const ALGORITHMS: Readonly<Record<string, AlgorithmIdentifier>> = {
  ec: new AlgorithmIdentifier({ algorithm: "1.2.840.10045.4.3.2" }),
  rsa: new AlgorithmIdentifier({ algorithm: "1.2.840.113549.1.1.11", parameters: null }),
};

/** What is new in a certificate. */
export interface NewCertificate {
  readonly publicKey: KeyObject;
  /** {@link SERIAL_BYTES} bytes that no other certificate of the authority has. */
  readonly serial: Uint8Array;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** An authority that signs certificates. */
export interface Authority {
  /** PEM; of several the first. */
  readonly cert: string;
  readonly key: KeyObject;
}

/**
 * A certificate for a server, in PEM: for one name or address, and for nothing else. Throws `invalid_argument` for the
 * key of an authority that clients would not know.
 */
export function signServerCertificate(host: string, fresh: NewCertificate, { cert, key }: Authority): string {
  const { tbsCertificate: issuer } = AsnConvert.parse(derOfPem(cert), Certificate);
  return signed(
    {
      fresh,
      subject: nameOf(host.slice(0, COMMON_NAME_MAX)),
      issuer: issuer.subject,
      extensions: [
        extension(id_ce_basicConstraints, new BasicConstraints({ cA: false }), true),
        extension(id_ce_keyUsage, new KeyUsage(KeyUsageFlags.digitalSignature), true),
        extension(id_ce_extKeyUsage, new ExtendedKeyUsage([id_kp_serverAuth])),
        extension(id_ce_subjectAltName, new SubjectAlternativeName([generalName(host)])),
        extension(
          id_ce_authorityKeyIdentifier,
          new AuthorityKeyIdentifier({ keyIdentifier: new KeyIdentifier(keyIdOf(issuer)) }),
        ),
      ],
    },
    key,
  );
}

/** A certificate of an authority that signs itself, in PEM. */
export function signAuthority(commonName: string, fresh: NewCertificate, key: KeyObject): string {
  const usage = KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign;
  const keyId = keyIdOf({ subjectPublicKeyInfo: publicKeyInfo(fresh.publicKey) });
  const name = nameOf(commonName);
  const extensions = [
    extension(id_ce_basicConstraints, new BasicConstraints({ cA: true, pathLenConstraint: 0 }), true),
    extension(id_ce_keyUsage, new KeyUsage(usage), true),
    extension(id_ce_subjectKeyIdentifier, new SubjectKeyIdentifier(keyId)),
  ];
  return signed({ fresh, subject: name, issuer: name, extensions }, key);
}

function signed(
  { fresh, subject, issuer, extensions }: {
    readonly fresh: NewCertificate;
    readonly subject: Name;
    readonly issuer: Name;
    readonly extensions: Extension[];
  },
  key: KeyObject,
): string {
  const algorithm = ALGORITHMS[key.asymmetricKeyType ?? ""];
  if (algorithm === undefined) {
    const what = `Cannot sign with a key of type ${key.asymmetricKeyType}: expected one of ECDSA or RSA`;
    throw new DamselflyError("invalid_argument", what);
  }
  const serial = Uint8Array.from(fresh.serial);
  serial[0] = (serial[0] ?? 0) & 0x7f | 0x40; // positive, and no leading zero
  const tbsCertificate = new TBSCertificate({
    version: Version.v3,
    serialNumber: serial.buffer,
    signature: algorithm,
    issuer,
    validity: new Validity({ notBefore: new Date(fresh.notBeforeMs), notAfter: new Date(fresh.notAfterMs) }),
    subject,
    subjectPublicKeyInfo: publicKeyInfo(fresh.publicKey),
    extensions: new Extensions(extensions),
  });
  const signature = sign("sha256", new Uint8Array(AsnConvert.serialize(tbsCertificate)), key);
  const certificate = new Certificate({
    tbsCertificate,
    signatureAlgorithm: algorithm,
    signatureValue: new Uint8Array(signature).buffer,
  });
  return pemOfDer(new Uint8Array(AsnConvert.serialize(certificate)));
}

function publicKeyInfo(key: KeyObject): SubjectPublicKeyInfo {
  return AsnConvert.parse(new Uint8Array(key.export({ type: "spki", format: "der" })), SubjectPublicKeyInfo);
}

/** What an authority calls its key, or what one calls it that does not say (RFC 5280 §4.2.1.2). */
function keyIdOf(
  { extensions, subjectPublicKeyInfo }: Pick<TBSCertificate, "subjectPublicKeyInfo" | "extensions">,
): Uint8Array<ArrayBuffer> {
  const own = extensions?.find(({ extnID }) => extnID === id_ce_subjectKeyIdentifier);
  if (own !== undefined) return new Uint8Array(AsnConvert.parse(own.extnValue.buffer, SubjectKeyIdentifier).buffer);
  return new Uint8Array(createHash("sha1").update(new Uint8Array(subjectPublicKeyInfo.subjectPublicKey)).digest());
}

function nameOf(commonName: string): Name {
  const value = new AttributeValue({ utf8String: commonName });
  return new Name([new RelativeDistinguishedName([new AttributeTypeAndValue({ type: COMMON_NAME, value })])]);
}

function generalName(host: string): GeneralName {
  return new GeneralName(isIP(host) === 0 ? { dNSName: host } : { iPAddress: host });
}

function extension(extnID: string, value: unknown, critical = false): Extension {
  return new Extension({ extnID, critical, extnValue: new OctetString(AsnConvert.serialize(value)) });
}
