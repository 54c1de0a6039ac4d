"""The embedded Slurm's accounting: a MariaDB that Slurm alone can reach, and slurmdbd in front of it.

Sources: slurmdbd.conf(5); Slurm's "Accounting and Resource Limits"; MariaDB's server options.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from campus_base.process import run_sync
from hub_config.daemon_accounts import as_account
from hub_config.daemon_files import put_file
from hub_config.local_slurmrestd import token_settings
from hub_config.paths import Paths
from hub_config.site import LocalCluster, Site

_ACCOUNT = "slurm"  # as slurmctld, whose state is no less worth than this one
_DATABASE = "slurm_acct_db"
# Small, since a demonstration has few jobs; the patience that slurmdbd.conf(5) advises.
_SERVER_OPTIONS = (
    "--innodb-buffer-pool-size=64M",
    "--innodb-log-file-size=16M",
    "--innodb-lock-wait-timeout=900",
)
# Run at every start: whoever else connects, as whichever account, is turned away.
_GRANTS = f"""\
CREATE DATABASE IF NOT EXISTS {_DATABASE};
CREATE USER IF NOT EXISTS {_ACCOUNT}@localhost IDENTIFIED VIA unix_socket;
GRANT ALL ON {_DATABASE}.* TO {_ACCOUNT}@localhost;
"""


def slurmdbd_port(cluster: LocalCluster) -> int:
    """The port after those of the nodes."""
    return cluster.controller_port + cluster.nodes + 1


def accounting_settings(site: Site, paths: Paths) -> dict[str, object]:
    """slurm.conf's part: people are held to their associations where ``up`` makes these, on a demo site."""
    return {
        "AccountingStorageType": "accounting_storage/slurmdbd",
        "AccountingStorageHost": "127.0.0.1",
        "AccountingStoragePort": slurmdbd_port(site.cluster or LocalCluster()),
        "AccountingStoragePass": paths.munge_socket,
        "AccountingStorageTRES": "gres/gpu,gres/shard",
        **({"AccountingStorageEnforce": "associations,limits,qos"} if site.accounts else {}),
    }


def slurmdbd_conf(site: Site, paths: Paths) -> str:
    """The text of slurmdbd.conf. It holds no password, since the database knows Slurm by its account."""
    settings = {
        "AuthType": "auth/munge",
        "AuthInfo": f"socket={paths.munge_socket}",
        "DbdHost": "localhost",
        "DbdAddr": "127.0.0.1",
        "DbdPort": slurmdbd_port(site.cluster or LocalCluster()),
        "CommunicationParameters": "NoInAddrAny",
        "SlurmUser": _ACCOUNT,
        "StorageType": "accounting_storage/mysql",
        "StorageHost": "localhost",
        "StorageUser": _ACCOUNT,
        "StorageLoc": _DATABASE,
        "PidFile": paths.run / "slurm" / "slurmdbd.pid",
        # What others have run, and who is in which account, is nobody's business.
        "PrivateData": "accounts,jobs,usage,users",
        **token_settings(site, paths),
    }
    return "".join(f"{key}={value}\n" for key, value in settings.items())


def _folder(paths: Paths) -> Path:
    return paths.slurm_state / "database"


def _socket(paths: Paths) -> Path:
    return paths.run / "database" / "mariadb.socket"


def ensure_accounting(site: Site, paths: Paths) -> bool:
    """The database's folder and the two daemons' settings. True when a setting changed. Raises ProgramFailed."""
    _socket(paths).parent.mkdir(parents=True, exist_ok=True)
    shutil.chown(_socket(paths).parent, _ACCOUNT, _ACCOUNT)
    _socket(paths).parent.chmod(0o700)
    if not _folder(paths).exists():
        _make_database(_folder(paths))
    changed = [  # that only Slurm reads: slurmdbd starts with no other file (slurmdbd.conf(5))
        put_file(paths.slurm_conf.with_name("slurmdbd.conf"), slurmdbd_conf(site, paths), 0o600, _ACCOUNT),
        put_file(_grants(paths), _GRANTS, 0o600, _ACCOUNT),
    ]
    return any(changed)


def _grants(paths: Paths) -> Path:
    return paths.slurm_conf.with_name("database.sql")


def _make_database(folder: Path) -> None:
    """An empty database, at once or not at all: one that was cut off is made anew."""
    new = folder.with_name("database.new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(mode=0o700)
    shutil.chown(new, _ACCOUNT, _ACCOUNT)
    run_sync(
        [
            *as_account(_ACCOUNT),
            *("mariadb-install-db", "--no-defaults", f"--datadir={new}", "--basedir=/usr", "--skip-test-db"),
            *_SERVER_OPTIONS,
        ],
        what="Making the database of Slurm's accounts",
        timeout=120,
    )
    new.rename(folder)


def mariadb_command(paths: Paths) -> list[str]:
    """On a socket in a folder that Slurm's account and root can enter; no port."""
    return [
        *as_account(_ACCOUNT, "--pdeathsig=TERM"),
        *("mariadbd", "--no-defaults", f"--datadir={_folder(paths)}", f"--socket={_socket(paths)}"),
        *("--skip-networking", f"--pid-file={_socket(paths).with_suffix('.pid')}", f"--init-file={_grants(paths)}"),
        *_SERVER_OPTIONS,
    ]


def slurmdbd_command(paths: Paths) -> list[str]:
    """slurmdbd, once the database's socket is there: without it, it tries again after five seconds only."""
    wait = 'n=0; until [ -S "$0" ] || [ $n = 50 ]; do sleep 0.1; n=$((n + 1)); done; exec "$@"'
    return [*as_account(_ACCOUNT, "--pdeathsig=TERM"), "sh", "-c", wait, str(_socket(paths)), "slurmdbd", "-D"]


def slurmdbd_environment(paths: Paths) -> tuple[tuple[str, str], ...]:
    """Where slurmdbd finds its settings (slurmdbd.conf(5)), and the client library its socket."""
    return (("SLURM_CONF", str(paths.slurm_conf)), ("MYSQL_UNIX_PORT", str(_socket(paths))))
