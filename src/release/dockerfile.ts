/** Dockerfiles of the images, for whoever builds with a container engine: what is in an image is laid out by our task. */
import { envOf, HEALTH, healthCommand, IMAGES, type ShippedImage } from "./images.ts";

/** The Dockerfiles by path; `denoVersion` is the Deno that the images hold. */
export function generateDockerfiles(denoVersion: string): Map<string, string> {
  return new Map(IMAGES.map((image) => [`docker/${image.name}.Dockerfile`, dockerfile(image, denoVersion)]));
}

function dockerfile(image: ShippedImage, denoVersion: string): string {
  const { name, about, programs: [main], user, folders, ports } = image;
  const health = healthCommand(image);
  const owner = user === undefined ? "" : `${user.uid}:${user.gid}`;
  const lines = [
    "# Written by deno task gen. From the top of a checkout:",
    `#   docker build --file docker/${name}.Dockerfile --tag damselfly/${name} .`,
    "# What the build is of is not in its context, so that it is told: --build-arg DAMSELFLY_COMMIT=$(git rev-parse HEAD)",
    `FROM denoland/deno:${denoVersion} AS build`,
    "ARG DAMSELFLY_COMMIT= SOURCE_DATE_EPOCH=0",
    "WORKDIR /source",
    "COPY . .",
    `RUN deno install && deno task images --image ${name} --folder /image`,
    "",
    "FROM scratch",
    `LABEL org.opencontainers.image.title="damselfly ${name}" org.opencontainers.image.description="${about}"`,
    `ENV ${Object.entries(envOf(image)).map(([key, value]) => `${key}=${value}`).join(" ")}`,
    "COPY --from=build /image /",
    ...(user === undefined ? [] : [
      ...folders.map((folder) => `COPY --from=build --chown=${owner} /image/${folder} /${folder}`),
      `USER ${owner}`,
    ]),
    ...(ports.length === 0 ? [] : [`EXPOSE ${ports.join(" ")}`]),
    ...(health === undefined ? [] : [
      `HEALTHCHECK --interval=${HEALTH.interval}s --timeout=${HEALTH.timeout}s --start-period=${HEALTH.startPeriod}s ` +
      `--retries=${HEALTH.retries} \\`,
      `  CMD ${JSON.stringify(health)}`,
    ]),
    `ENTRYPOINT ["/usr/bin/${main}"]`,
  ];
  return `${lines.join("\n")}\n`;
}
