# Written by deno task gen. From the top of a checkout:
#   docker build --file docker/client.Dockerfile --tag damselfly/client .
# What the build is of is not in its context, so that it is told: --build-arg DAMSELFLY_COMMIT=$(git rev-parse HEAD)
FROM denoland/deno:2.9.6 AS build
ARG DAMSELFLY_COMMIT= SOURCE_DATE_EPOCH=0
WORKDIR /source
COPY . .
RUN deno install && deno task images --image client --folder /image

FROM scratch
LABEL org.opencontainers.image.title="damselfly client" org.opencontainers.image.description="The peer of a node, and seed peer, with its commands"
ENV PATH=/usr/local/bin:/usr/bin:/bin DENO_DIR=/tmp/deno DENO_NO_UPDATE_CHECK=1
COPY --from=build /image /
EXPOSE 4000 4001 4002 4003 4005
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 \
  CMD ["/usr/bin/dfdaemon","health"]
ENTRYPOINT ["/usr/bin/dfdaemon"]
