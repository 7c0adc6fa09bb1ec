"""The negative control: a stock Celery and Flask-SocketIO build, whose losses the checker must see.

`stock_worker` and `stock_server` are what the tutorials of both have. `run.run` puts them through a
fault; were its verdict clean, the checker would be blind.
"""
