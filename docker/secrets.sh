#!/bin/sh
# Makes the secrets of docker-compose.yml in docker/secrets/, once: what is there already stays.
set -eu
cd "$(dirname "$0")"
umask 077
mkdir -p secrets

write() { # NAME: standard input becomes the file, whole or not at all
    if [ -e "secrets/$1" ]; then
        return
    fi
    cat >"secrets/.$1"
    # The folder is closed. The file is open, because each container reads it as a user of its own.
    chmod 0644 "secrets/.$1"
    mv "secrets/.$1" "secrets/$1"
}

random_text() {
    od -A n -v -t x1 -N 32 /dev/urandom | tr -d ' \n'
}

head -c 32 /dev/urandom | write sealing_key
random_text | write upstream_client_secret
random_text | write postgres_password
password=$(cat secrets/postgres_password)
printf 'postgresql://authserver:%s@postgres:5432/authserver' "$password" | write database_url
