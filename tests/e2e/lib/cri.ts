/** The calls of the CRI image service that the ring makes (k8s.io/cri-api, runtime.v1), over the runtime's socket. */
import { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";
import { Buffer } from "node:buffer";
import { callOnce } from "./grpc.ts";

const PULL_TIMEOUT_MS = 300_000;

/** What a runtime says about an image that it has. */
export interface ImageStatus {
  /** Digest of the image's config. */
  readonly id: string;
  /** `repository@digest` for each name that the image was pulled by. */
  readonly repoDigests: readonly string[];
}

/** Who pulls. */
export interface Login {
  readonly username: string;
  readonly password: string;
}

/** Pulls through the runtime, as the kubelet does. */
export async function criPull(socket: string, image: string, login?: Login): Promise<void> {
  await callOnce(`unix:${socket}`, imageMethod("PullImage", login), image, PULL_TIMEOUT_MS);
}

/** The image as the runtime knows it, or undefined when it has none. */
export async function criStatus(socket: string, image: string): Promise<ImageStatus | undefined> {
  const reply = await callOnce(`unix:${socket}`, imageMethod("ImageStatus"), image);
  const found = fields(reply, 1)[0];
  if (found === undefined) return undefined;
  const texts = (field: number) => fields(found, field).map((bytes) => new TextDecoder().decode(bytes));
  return { id: texts(1)[0] ?? "", repoDigests: texts(3) };
}

/** Removes the image and, before it answers, every blob that no other image uses. An absent image is fine. */
export async function criRemove(socket: string, image: string): Promise<void> {
  await callOnce(`unix:${socket}`, imageMethod("RemoveImage"), image);
}

/** Resolves to true when the image service answers. */
export async function criAnswers(socket: string): Promise<true> {
  await callOnce(`unix:${socket}`, imageMethod("ListImages"), "");
  return true;
}

/**
 * A method whose request is an image name in field 1 of an ImageSpec in field 1; PullImage, ImageStatus, RemoveImage
 * and ListImages (where it filters) agree in that; PullImage has an AuthConfig besides. Replies stay bytes.
 */
function imageMethod(name: string, login?: Login) {
  return {
    path: `/runtime.v1.ImageService/${name}`,
    requestStream: false,
    responseStream: false,
    requestSerialize: (image: string) => Buffer.from(imageRequest(image, login)),
    requestDeserialize: (): string => "",
    responseSerialize: (reply: Uint8Array) => Buffer.from(reply),
    responseDeserialize: (reply: Buffer) => new Uint8Array(reply),
  } as const;
}

function imageRequest(image: string, login: Login | undefined): Uint8Array {
  const request = new BinaryWriter();
  if (image !== "") request.tag(1, 2).fork().tag(1, 2).string(image).join();
  if (login !== undefined) {
    request.tag(2, 2).fork().tag(1, 2).string(login.username).tag(2, 2).string(login.password).join();
  }
  return request.finish();
}

/** The length-delimited values of one field of a message. */
function fields(message: Uint8Array, wanted: number): Uint8Array[] {
  const reader = new BinaryReader(message);
  const found: Uint8Array[] = [];
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === wanted && wireType === 2) found.push(reader.bytes());
    else reader.skip(wireType, field);
  }
  return found;
}
