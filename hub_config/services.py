def update_services(c, site, paths):
    pass
