# Written by deno task gen. From the top of a checkout:
#   docker build --file docker/dfinit.Dockerfile --tag damselfly/dfinit .
# What the build is of is not in its context, so that it is told: --build-arg DAMSELFLY_COMMIT=$(git rev-parse HEAD)
FROM denoland/deno:2.9.6 AS build
ARG DAMSELFLY_COMMIT= SOURCE_DATE_EPOCH=0
WORKDIR /source
COPY . .
RUN deno install && deno task images --image dfinit --folder /image

FROM scratch
LABEL org.opencontainers.image.title="damselfly dfinit" org.opencontainers.image.description="Makes the container runtime of a node pull through its peer"
ENV PATH=/usr/local/bin:/usr/bin:/bin DENO_DIR=/tmp/deno DENO_NO_UPDATE_CHECK=1
COPY --from=build /image /
ENTRYPOINT ["/usr/bin/dfinit"]
