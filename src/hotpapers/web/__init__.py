"""The site: static pages, and the live server with a form for each verb."""
