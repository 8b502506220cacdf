# A small image with nothing in it but the static binary, which runs as a user
# without rights. docs/OPERATION.md says how to build and run it.

FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG COMMIT=""
ARG DATE=""
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false -o /out/keelson \
        -ldflags "-s -w -X github.com/keelson-chain/keelson/node.commit=${COMMIT} -X github.com/keelson-chain/keelson/node.date=${DATE}" \
        ./cmd/keelson \
    && mkdir /out/data

FROM scratch
ARG COMMIT=""
LABEL org.opencontainers.image.title="keelson" \
      org.opencontainers.image.description="A proof-of-work full node" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.revision="${COMMIT}"
COPY --from=build /out/keelson /usr/local/bin/keelson
COPY --from=build --chown=65532:65532 /out/data /data
USER 65532:65532
# As variables, settings reach the health check too.
ENV PATH=/usr/local/bin HOME=/data KEELSON_DATADIR=/data
VOLUME /data
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=10m \
    CMD ["keelson", "cli", "-rpcclienttimeout=5", "getblockcount"]
ENTRYPOINT ["keelson"]
CMD ["node"]
