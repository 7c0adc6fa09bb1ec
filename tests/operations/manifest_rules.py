"""What has to be true of documents for Kubernetes beside their form: each rule tells its faults."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from manifests import WORKLOADS, Document, containers, labels_of, of_kind, pod_of, selected

Rule = Callable[[list[Document]], Iterator[str]]


def name_of(document: Document) -> str:
    """Return what a document is called."""
    return f"{document['kind']} {document['metadata']['name']}"


def images_are_pinned(documents: list[Document]) -> Iterator[str]:
    """A tag that says a version."""
    for workload, container in containers(documents):
        tag = container["image"].rpartition("/")[2].partition(":")[2]
        if not tag or tag == "latest":
            yield f"{name_of(workload)}: {container['image']} may be any"


def resources_are_limited(documents: list[Document]) -> Iterator[str]:
    """Requests and limits, of memory and CPU."""
    for workload, container in containers(documents):
        told = container.get("resources", {})
        for which in ("requests", "limits"):
            for what in ("cpu", "memory"):
                if what not in told.get(which, {}):
                    yield f"{name_of(workload)}: no {which} of {what}"


def pods_may_little(documents: list[Document]) -> Iterator[str]:
    """What Kubernetes calls restricted, and a root that nobody writes."""
    for workload, container in containers(documents):
        pod, own = pod_of(workload), container.get("securityContext", {})
        of_pod = pod.get("securityContext", {})
        wanted = {
            "runs as root": of_pod.get("runAsNonRoot") is True and of_pod.get("runAsUser", 0) > 0,
            "all system calls": of_pod.get("seccompProfile", {}).get("type") == "RuntimeDefault",
            "may gain rights": own.get("allowPrivilegeEscalation") is False,
            "writes its root": own.get("readOnlyRootFilesystem") is True,
            "has capabilities": own.get("capabilities", {}) == {"drop": ["ALL"]},
            "gets a token": pod.get("automountServiceAccountToken") is False,
            "is told of other services": pod.get("enableServiceLinks") is False,
            "sees the node": not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys(),
            "mounts the node": all("hostPath" not in one for one in pod.get("volumes", ())),
        }
        for what, is_kept in wanted.items():
            if not is_kept:
                yield f"{name_of(workload)}: {what}"


def selectors_select(documents: list[Document]) -> Iterator[str]:
    """Each workload its own pods."""
    for workload in of_kind(documents, *WORKLOADS):
        chosen = workload["spec"]["selector"]["matchLabels"]
        if not chosen.items() <= labels_of(workload).items():
            yield f"{name_of(workload)} does not select its own pods"


def services_lead_somewhere(documents: list[Document]) -> Iterator[str]:
    """To the pods of one workload, at a port that they have."""
    for service in of_kind(documents, "Service"):
        found = selected(documents, service["spec"]["selector"])
        if len(found) != 1:
            yield f"{name_of(service)} selects {len(found)} workloads"
            continue
        for port in service["spec"]["ports"]:
            if port["targetPort"] not in _ports(found[0]):
                yield f"{name_of(service)}: its pods have no port {port['targetPort']}"


def names_are_of_something(documents: list[Document]) -> Iterator[str]:
    """Services, deployments and hosts that others name."""
    for workload in of_kind(documents, "StatefulSet"):
        if workload["spec"]["serviceName"] not in _names(documents, "Service"):
            yield f"{name_of(workload)}: there is no such service"
    for scaled in of_kind(documents, "ScaledObject"):
        if scaled["spec"]["scaleTargetRef"]["name"] not in _names(documents, "Deployment"):
            yield f"{name_of(scaled)}: there is no such deployment"


def monitors_find_a_service(documents: list[Document]) -> Iterator[str]:
    """One, with the ports that they ask at."""
    for monitor in of_kind(documents, "ServiceMonitor"):
        chosen = monitor["spec"]["selector"]["matchLabels"]
        found = [
            one
            for one in of_kind(documents, "Service")
            if chosen.items() <= one["metadata"]["labels"].items()
            and {e["port"] for e in monitor["spec"]["endpoints"]}
            <= {port["name"] for port in one["spec"]["ports"]}
        ]
        if len(found) != 1:
            yield f"{name_of(monitor)} selects {len(found)} services"


def hosts_have_certificates(documents: list[Document]) -> Iterator[str]:
    """And lead to a service."""
    for ingress in of_kind(documents, "Ingress"):
        for rule in ingress["spec"]["rules"]:
            for path in rule["http"]["paths"]:
                if path["backend"]["service"]["name"] not in _names(documents, "Service"):
                    yield f"{name_of(ingress)}: there is no such service"
            if rule["host"] not in ingress["spec"]["tls"][0]["hosts"]:
                yield f"{name_of(ingress)}: {rule['host']} has no certificate"


def budgets_let_a_node_be_emptied(documents: list[Document]) -> Iterator[str]:
    """One pod at least may go, and one that others depend on stays."""
    for budget in of_kind(documents, "PodDisruptionBudget"):
        found = selected(documents, budget["spec"]["selector"]["matchLabels"])
        if len(found) != 1:
            yield f"{name_of(budget)} selects {len(found)} workloads"
            continue
        replicas = found[0]["spec"].get("replicas", 1)
        stay = budget["spec"].get("minAvailable", 0)
        go = budget["spec"].get("maxUnavailable", replicas - stay)
        if go < 1:
            yield f"{name_of(budget)} lets none of {replicas} go"


def volumes_exist(documents: list[Document]) -> Iterator[str]:
    """What is mounted is a volume, a volume is mounted, and what it is of is there."""
    for workload in of_kind(documents, *WORKLOADS):
        pod = pod_of(workload)
        claims = [
            one["metadata"]["name"] for one in workload["spec"].get("volumeClaimTemplates", ())
        ]
        volumes = [*(one["name"] for one in pod.get("volumes", ())), *claims]
        mounted = [m["name"] for c in pod["containers"] for m in c.get("volumeMounts", ())]
        for name in set(volumes) ^ set(mounted):
            only = "a volume" if name in volumes else "mounted"
            yield f"{name_of(workload)}: {name} is only {only}"
        for volume in pod.get("volumes", ()):
            for kind, name in (
                ("ConfigMap", volume.get("configMap", {}).get("name")),
                ("Secret", volume.get("secret", {}).get("secretName")),
                ("PersistentVolumeClaim", volume.get("persistentVolumeClaim", {}).get("claimName")),
            ):
                if name and name not in _names(documents, kind):
                    yield f"{name_of(workload)}: there is no {kind} {name}"
        for container in pod["containers"]:
            for variable in container.get("env", ()):
                key = variable.get("valueFrom", {}).get("configMapKeyRef")
                if key and key["name"] not in _names(documents, "ConfigMap"):
                    yield f"{name_of(workload)}: there is no ConfigMap {key['name']}"


def networks_are_closed(documents: list[Document]) -> Iterator[str]:
    """Each pod has a policy, and each policy is of pods that are there and has ports of theirs."""
    guarded = []
    for policy in of_kind(documents, "NetworkPolicy"):
        found = selected(documents, policy["spec"]["podSelector"]["matchLabels"])
        guarded += found
        if len(found) != 1:
            yield f"{name_of(policy)} is of {len(found)} workloads"
            continue
        for way in policy["spec"].get("ingress", ()):
            if not way.get("from"):
                yield f"{name_of(policy)} lets anybody in"
            for port in way.get("ports", ()):
                if port["port"] not in _ports(found[0]):
                    yield f"{name_of(policy)}: there is no port {port['port']}"
    for workload in of_kind(documents, *WORKLOADS):
        if workload not in guarded:
            yield f"{name_of(workload)}: anybody reaches it"


def networks_know_whom_they_let(documents: list[Document]) -> Iterator[str]:
    """Pods that are there, or others' by their own labels alone."""
    for policy in of_kind(documents, "NetworkPolicy"):
        ways = (*policy["spec"].get("ingress", ()), *policy["spec"].get("egress", ()))
        for peer in (peer for way in ways for peer in (*way.get("from", ()), *way.get("to", ()))):
            chosen = peer.get("podSelector", {}).get("matchLabels", {})
            is_ours = "namespaceSelector" not in peer and "ipBlock" not in peer
            if is_ours and len(selected(documents, chosen)) != 1:
                yield f"{name_of(policy)}: nobody has the labels {chosen}"
            if "k8s-app" in chosen and len(chosen) > 1:
                yield f"{name_of(policy)}: who resolves names has not the labels {chosen}"


def probes_ask_what_is_there(documents: list[Document]) -> Iterator[str]:
    """Each container is looked after, at a port that it has."""
    for workload, container in containers(documents):
        for probe in ("startupProbe", "livenessProbe"):
            if probe not in container:
                yield f"{name_of(workload)}: no {probe}"
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            port = container.get(probe, {}).get("httpGet", {}).get("port")
            if port is not None and port not in _ports(workload):
                yield f"{name_of(workload)}: its {probe} asks at {port}"


def _names(documents: list[Document], kind: str) -> set[str]:
    return {one["metadata"]["name"] for one in of_kind(documents, kind)}


def _ports(workload: Document) -> set[str]:
    found = (one for told in pod_of(workload)["containers"] for one in told.get("ports", ()))
    return {one["name"] for one in found}


RULES: tuple[Rule, ...] = (
    images_are_pinned,
    resources_are_limited,
    pods_may_little,
    selectors_select,
    services_lead_somewhere,
    names_are_of_something,
    monitors_find_a_service,
    hosts_have_certificates,
    budgets_let_a_node_be_emptied,
    volumes_exist,
    networks_are_closed,
    networks_know_whom_they_let,
    probes_ask_what_is_there,
)


def faults(documents: list[Document]) -> list[str]:
    """Return what all rules have to say."""
    return [fault for rule in RULES for fault in rule(documents)]
