#!/bin/sh
# Starts a Valkey node or a Sentinel: sh start.sh valkey.conf|sentinel.conf OWN-ADDRESS [MASTER-ADDRESS]
# Both write into their config: who their master is now, and what Tandem has them keep. So the file is made once, in the
# working directory, which is a volume; a container that comes back goes on with what it wrote.
set -eu
template=$1
address=$2
master=${3:-}
if [ ! -f server.conf ]; then
  sed -e "s/@address@/$address/" -e "s/@master@/$master/" "$(dirname "$0")/$template" > server.conf.new
  if [ "$template" = valkey.conf ] && [ -n "$master" ]; then
    echo "replicaof $master 6379" >> server.conf.new
  fi
  mv server.conf.new server.conf
fi
if [ "$template" = sentinel.conf ]; then
  exec valkey-server ./server.conf --sentinel
fi
exec valkey-server ./server.conf
