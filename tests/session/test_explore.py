import subprocess, json, time
async def test_x(session, kernel):
    print(await session.run(kernel, "import os,sys; print(open('/proc/self/oom_score_adj').read(), sys.executable, sys.argv)"))
    for p in session.processes():
        print(p.pid, p.cmdline()[:8], [c.laddr for c in p.net_connections("tcp") if c.status=="LISTEN"])
    print(subprocess.run(["ss","-ltnp"],capture_output=True,text=True).stdout)
    print(subprocess.run(["ls","-lan",str(session.runtime)],capture_output=True,text=True).stdout)
    for path in ["/proxy/1234/", "/proxy/localhost:1234/", "/proxy/absolute/1234/", "/server-proxy/servers-info", "/lab/api/extensions", "/lab/api/settings", "/formgrader", "/lsp/status", "/api/kernelspecs","/tree","/api/terminals", "/courses", "/assignments","/lab/api/news", "/lab/api/update"]:
        r = session.request("GET", path); print(path, r.status_code, r.text[:150].replace("\n"," "))
    c = session.page_config(); print(json.dumps(c, indent=1)[:6000])
    print(session.request("GET","/api/kernelspecs").text[:600])
    print(session.log.read_text())
    assert 0
