def update_roles(c, site, paths):
    pass
