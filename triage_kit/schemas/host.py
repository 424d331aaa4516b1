"""Evidence of the host: containers, what they mount, volumes."""

from triage_kit.schemas import tables

TABLES = tables("""
containers: one container, as docker or podman inspect has it
    name text
    id text first twelve characters
    image text as it was named
    image_id text first twelve characters of its digest
    image_created_at time missing unless the image was inspected too
    created_at time when the container was made; later than its volume after `docker compose up --force-recreate`
    started_at time
    finished_at time when it last stopped
    restarts int by its restart policy
    status text running, exited, paused, restarting, dead
    exit_code int
    out_of_memory bool whether the kernel killed it for want of memory
    health text healthy, unhealthy, starting or missing
    source text the engine that was asked, or the file

container_mounts: one mount of a container
    container text
    kind text volume, bind or tmpfs
    volume text name of the volume
    source text last part of the host path of a bind mount
    destination text inside the container
    writable bool

volumes: one volume of an engine
    name text
    driver text
    created_at time
    source text the engine that was asked, or the file

container_environment: one environment variable of a container; values are never read
    container text
    name text
""")
