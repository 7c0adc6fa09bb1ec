# Stands in for the official image of Valkey, which no registry gives here: Debian's Redis 7 by the
# same names, user and folder.
ARG PYTHON_IMAGE
FROM ${PYTHON_IMAGE}
RUN apt-get update --quiet --quiet \
    && apt-get install --quiet --quiet --yes --no-install-recommends redis-server \
    && rm -rf /var/lib/apt/lists/* \
    && ln -s redis-server /usr/bin/valkey-server && ln -s redis-cli /usr/bin/valkey-cli \
    && groupadd --gid 999 valkey && useradd --uid 999 --gid 999 --no-create-home valkey \
    && install -d -o valkey -g valkey /data
VOLUME /data
WORKDIR /data
CMD ["valkey-server"]
