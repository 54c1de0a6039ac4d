"""CampusSpawner: a JupyterHub session as a Slurm job that survives the hub."""

from __future__ import annotations

import asyncio
import contextlib
import pwd
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from batchspawner import SlurmSpawner
from tornado.web import RequestHandler
from traitlets import Any as AnyTrait
from traitlets import Unicode, default

from campus_base.errors import CampusError
from spawners import metrics
from spawners.allowed.offer import Offer, RequestRefused, SessionSize
from spawners.allowed.request import SessionRequest, check_request
from spawners.allowed.settle import settle
from spawners.allowed.ways import Means
from spawners.cluster.reconcile import Ledger
from spawners.cluster.watch import ClusterWatch, WatchSettings, shared_watch
from spawners.form import choose, render_form
from spawners.identity import account_named, identity_of, identity_of_uid, is_persons
from spawners.job.callback import Expected, digest, serve_callback
from spawners.job.certificates import FILES, alternative_names, as_environment, make_certificate
from spawners.job.submission import job_environment, job_request
from spawners.life import resume, usage
from spawners.life.adoption import adopt
from spawners.life.ending import ENDING, is_over, look_why
from spawners.life.failure import Ended, stopped
from spawners.life.idle import IdleClock, IdleLimits
from spawners.life.readiness import until_up
from spawners.outlook.means import means_of
from spawners.refusal import SessionRefused, refused
from spawners.slurm import Job, JobState, Refused
from spawners.slurm.reasons import reason_sentence

serve_callback()


class CampusSpawner(SlurmSpawner):
    """Submits, adopts, watches and stops sessions.

    The hub's one ClusterWatch answers every poll. A job's id is in the database before anything else happens, so
    a hub killed at any moment finds its sessions again.
    """

    offer = AnyTrait(Offer((), ()), help="The site's sizes and environments, in the order people see them.").tag(
        config=True
    )
    watch_settings = AnyTrait(WatchSettings(), help="Which Slurm to watch, and how often.").tag(config=True)
    idle_limits = AnyTrait(IdleLimits(), help="After how long sessions that nobody uses end.").tag(config=True)
    log_folder = Unicode(".campus/logs", help="Session logs, relative to the person's home.").tag(config=True)
    job_template = Unicode(help="Text of the site's template of the job script; empty for ours.").tag(config=True)

    user_options: dict[str, Any]
    port_reported = 0
    node = ""
    secret_digest = ""
    uid = -1
    ended: Ended | None = None
    """How the last session ended, and what it was asked for with; kept until the next one has started."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.tls: dict[str, str] = {}
        self.cleared = asyncio.Event()
        self.report = asyncio.Event()
        self.looking = asyncio.Lock()
        self.submitted = self.held_since = 0.0
        self.idle = IdleClock(self.idle_limits)
        self.watch.ensure_running()
        metrics.SESSIONS.add(self)
        usage.METER.add(self)

    @property
    def watch(self) -> ClusterWatch:
        return shared_watch(self.watch_settings)

    @property
    def sizes(self) -> Sequence[SessionSize]:
        return self.offer.sizes

    @property
    def mark(self) -> str:
        """What the job's comment says: ``user/server``."""
        return f"{self.user.name}/{self.name}"

    # -- what a person may ask for ------------------------------------------------------------------

    @default("options_form")
    def _form(self):
        async def form(spawner: CampusSpawner) -> str:
            chosen = choose(spawner.user_options or {}, spawner.offer, await spawner.means())
            following = spawner.handler.get_argument("next", "") if spawner.handler else ""
            resuming = (spawner.resumable, resume.query(following))
            hub, sizes = self.hub.base_url, self.api_url("sizes")
            return render_form(chosen, spawner.offer, hub, sizes, spawner.ended, resuming)

        return form

    @default("options_from_form")
    def _from_form(self):
        # No second argument: JupyterHub gives none when the options stand in the address.
        def options(form: dict[str, list[str]]) -> dict[str, Any]:
            if resume.OPTION in form:
                return resume.options_of(self.ended)
            return {key: values[-1] for key, values in form.items() if key != "_xsrf" and values[-1] != ""}

        return options

    @default("apply_user_options")
    def _checked_in_start(self):
        # JupyterHub logs a traceback for a refusal raised here; start() is as early and refuses in a sentence.
        return lambda spawner, options: None

    def api_url(self, what: str) -> str:
        """Where this person's pages ask for ``sizes`` or ``waiting`` (spawners.api.start)."""
        server = f"?server={quote(self.name)}" if self.name else ""
        return f"{self.hub.base_url}api/users/{quote(self.user.name)}/campus/{what}{server}"

    @property
    def resumable(self) -> str:
        """What resuming would start, in words; empty where there is nothing to resume."""
        return resume.offer(self.ended, self.sizes)

    async def means(self) -> Means | None:
        """What this person may use now, None while nobody knows."""
        return await means_of(self.user.name, self.watch, self.sizes)

    async def checked_request(self) -> SessionRequest:
        """What this session was asked for with. Raises SessionRefused for what this person may not have."""
        means = await self.means()
        try:
            with contextlib.suppress(RequestRefused):
                return check_request(self.user_options or {}, self.offer, means)
            # A reservation, or an account, may be a minute old.
            self.watch.rulebook.doubt()
            means = await self.means()
            return check_request(self.user_options or {}, self.offer, means)
        except CampusError as error:
            # What is refused is not remembered: it may be anything, and of any length.
            kept: dict[str, Any] = settle(self.user_options or {}, self.offer, means)[0]
            self.user_options = self.orm_spawner.user_options = kept
            self.user.db.commit()
            raise refused(error) from None

    # -- state that outlives the hub ----------------------------------------------------------------

    def get_state(self) -> dict[str, Any]:
        state = super().get_state()
        state.pop("job_status", None)
        if self.job_id:
            state |= {
                "node": self.node,
                "port": self.port_reported,
                "secret_digest": self.secret_digest,
                "uid": self.uid,
            }
        if self.ended:
            state["ended"] = self.ended.as_dict()
        return state

    def load_state(self, state: dict[str, Any]) -> None:
        super().load_state(state)
        self.node = state.get("node", "")
        self.port_reported = state.get("port", 0)
        self.secret_digest = state.get("secret_digest", "")
        self.uid = state.get("uid", -1)
        self.ended = Ended.from_dict(state["ended"]) if "ended" in state else None
        if self.job_id:
            self._hold()
            Expected.add(self.secret_digest, self)
            if self.port_reported:
                self.report.set()

    def _hold(self) -> None:
        """The job is this session's from now on; what Slurm was asked before need not tell of it."""
        Ledger.held[int(self.job_id)] = self
        self.held_since = time.monotonic()

    def clear_state(self) -> None:
        # A controller that was killed may have given the number to another session's job.
        if self.job_id and Ledger.held.get(int(self.job_id)) is self:
            del Ledger.held[int(self.job_id)]
        Expected.drop(self.secret_digest)
        super().clear_state()
        self.node, self.port_reported, self.secret_digest, self.uid = "", 0, "", -1
        self.report = asyncio.Event()
        self.idle = IdleClock(self.idle_limits)
        self.cleared.set()

    def commit(self) -> None:
        self.orm_spawner.state = self.get_state()
        self.user.db.commit()

    # -- certificates (internal_ssl) ----------------------------------------------------------------

    @metrics.failures_counted
    async def create_certs(self) -> dict[str, str]:
        """JupyterHub's hook before ``start``: PEM texts in place of paths. Raises SessionRefused."""
        if not self.watch.picture.nodes:
            await self.watch.refresh()
        partition = (await self.checked_request()).partition
        names = alternative_names(n for n in self.watch.picture.nodes.values() if partition in n.partitions)
        return make_certificate(self.internal_certs_location, self.user.name, names)

    async def move_certs(self, paths: dict[str, str]) -> dict[str, str]:
        """JupyterHub's hook: what ``create_certs`` gave goes into the job's environment, and becomes files there."""
        self.tls = as_environment(paths)
        return dict(FILES)

    # -- starting -----------------------------------------------------------------------------------

    async def account(self) -> pwd.struct_passwd:
        """The person's Unix account. Raises SessionRefused where there is none that may have sessions."""
        try:
            account = await account_named(self.user.name)
        except CampusError as error:
            raise refused(error) from error
        # Whoever an identity provider calls root or slurm must not become it.
        if account is None or not is_persons(account.pw_uid):
            raise SessionRefused(
                f"There is no account {self.user.name} for people on this cluster. Ask an operator to create it.",
                reason="no-account",
            )
        return account

    @metrics.failures_counted
    async def start(self) -> str:
        """Submit the job and wait until its server has reported. Returns its URL; raises SessionRefused."""
        request = await self.checked_request()
        account = await self.account()
        secret = Expected.new_secret(self)
        self.secret_digest = digest(secret)
        job = job_request(self, request, account)
        environment = job_environment(self, request, account, secret)
        Ledger.submitting[account.pw_uid] += 1
        try:
            identity = await identity_of(account)
            await self.test(request, account)
            job_id = await self.watch.slurm.submit(job, environment, identity)
            self.job_id, self.uid = str(job_id), account.pw_uid
            self._hold()
            self.commit()
        except CampusError as error:
            if isinstance(error, Refused):
                self.watch.rulebook.doubt()
            self.log.error("Session of %s not started: %s", self._log_name, error.detail or error)
            raise refused(error) from error
        finally:
            Ledger.submitting[account.pw_uid] -= 1
            self.tls = {}
        self.submitted = time.monotonic()
        self.log.info("Job %s submitted for %s, size %s", job_id, self._log_name, request.size.name)
        return await until_up(self)

    async def test(self, request: SessionRequest, account: pwd.struct_passwd) -> int | None:
        """When Slurm would start this (epoch seconds), None where it does not say. Raises CampusError."""
        if request.reservation and request.way.starts:
            return request.way.starts  # Slurm takes a job for it, but its test of one says "Invalid time specified"
        return await self.watch.slurm.test(job_request(self, request, account), await identity_of(account))

    def session_reported(self, port: int) -> bool:
        """The session listens on this port; its host is whatever node Slurm put the job on. False for another port."""
        if not self.port_reported:
            self.port_reported = port
            self.commit()
            self.report.set()
        return port == self.port_reported

    # -- watching -----------------------------------------------------------------------------------

    def job(self) -> Job | None:
        """The session's job as the watch saw it last."""
        job = self.watch.picture.jobs.get(int(self.job_id)) if self.job_id else None
        # A controller that was killed may give the ids of its last seconds out again.
        return job if job and job.uid == self.uid else None

    async def poll(self) -> int | None:
        """None while the session lives, or nobody can say; otherwise its exit status (1)."""
        if not self.job_id:
            return 0
        if not self.watch.picture.known:
            await self.watch.refresh()
        if self._check_pending and not self._start_pending:
            return await adopt(self)
        if is_over(self):
            usage.keep([self])
            await look_why(self)
            return 1
        return None

    async def progress(self) -> AsyncGenerator[dict[str, Any], None]:
        """What the pending page shows; each sentence once."""
        said = ""
        while True:
            percent, message = self._progress_now()
            if message != said:
                said = message
                yield {"progress": percent, "message": message}
            await self.watch.news(self.watch.interval)

    def _progress_now(self) -> tuple[int, str]:
        job = self.job()
        if self.port_reported:
            return 80, "JupyterLab is starting on its node."
        if job is None:
            return 10, "Handing your session to Slurm."
        if job.state in (JobState.RUNNING, JobState.CONFIGURING):
            return 50, f"Slurm started your session on {job.node}; preparing JupyterLab."
        return 25, f"Your session is in the queue. {reason_sentence(job.reason)}"

    def add_poll_callback(self, callback: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        """JupyterHub's, called with what is to be done when the session is over.

        Where that is a method of the request that asked for the session, this object does the same: the request, with
        its connection and all, would be kept for as long as the session runs.
        """
        if isinstance(getattr(callback, "__self__", None), RequestHandler):
            callback, args, kwargs = self._clean_up, (), {}
        super().add_poll_callback(callback, *args, **kwargs)

    async def _clean_up(self) -> None:
        """What JupyterHub's user_stopped does, of its app and of its requests."""
        self.log.warning("Session of %s is over", self._log_name)
        await self.user.settings["proxy"].delete_user(self.user, self.name)
        await self.user.stop(self.name)

    # -- stopping -----------------------------------------------------------------------------------

    async def stop(self, now: bool = False) -> None:
        """Cancel the job. While Slurm is silent the job stays, belongs to no server, and is cancelled afterwards."""
        if not self.job_id:
            return
        usage.keep([self])
        # It was a session, and not only a wish for one; why it is given up is known already.
        if self.node and not (self.ended and self.ended.job_id == self.job_id):
            why = self.idle.reason(time.monotonic())
            self.ended = replace(stopped(self.job_id, why), options=dict(self.user_options or {}))
        try:
            await self.watch.slurm.cancel(int(self.job_id), await identity_of_uid(self.uid))
        except CampusError as error:
            self.log.warning("Job %s could not be cancelled now: %s", self.job_id, error.detail)
            return
        if now:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ENDING):
                if not await self.watch.refresh():
                    return
                while (job := self.job()) and not job.state.over:
                    await self.watch.news(self.watch.interval)
                usage.keep([self])
