"""Facts about a whole host that matter before and after a change; each module asks one kind."""
