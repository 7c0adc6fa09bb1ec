"""The route ``/metrics``, for Prometheus and what speaks like it."""

from __future__ import annotations

from flask import Blueprint, Response, request

from ..access.auth import Auth
from ..metrics.counts import Metrics


def metrics_api(metrics: Metrics, auth: Auth) -> Blueprint:
    """Return the route; it needs a token with the scope `metrics`."""
    routes = Blueprint("metrics", __name__)
    routes.before_request(auth.require)

    @routes.get("/metrics")
    def get_metrics() -> Response:
        body, content_type = metrics.told(request.headers.get("Accept", ""))
        return Response(body, content_type=content_type)

    return routes
