from jupyterhub.authenticators.shared import SharedPasswordAuthenticator
def update_authentication(c, site, paths):
    c.JupyterHub.authenticator_class = SharedPasswordAuthenticator
    c.SharedPasswordAuthenticator.user_password = paths.secret("demo-password").read_text().strip()
    c.Authenticator.allowed_users = {a.name for a in site.accounts}
