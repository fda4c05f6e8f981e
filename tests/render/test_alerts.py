"""The rendered rules before Prometheus's own evaluation, with series as kube-state-metrics, kubelets and
the autoscaler give them: each fires when it should, as soon as it should, and not otherwise."""
import re
import shutil
import unittest

import tools
from tools import Scratch, example, missing, render, run

SPACE = 'namespace="orders-api"'
POD = f'{SPACE},pod="orders-api-1"'
CONTAINER = f'{POD},container="orders-api"'
DEPLOYMENT = f'{SPACE},deployment="orders-api"'
HPA = f'{SPACE},horizontalpodautoscaler="orders-api"'
# Everything is well: without it MetricsMissing would fire.
WELL = (f"kube_deployment_status_replicas_available{{{DEPLOYMENT}}}", "6x60")


class Case:
    """Series, one value a minute, and the minutes at which the alert fires and at which it does not."""

    def __init__(self, alert, series, fires, silent):
        self.alert, self.fires, self.silent = alert, fires, silent
        self.series = [*series] if any(name == WELL[0] for name, _ in series) else [WELL, *series]


def waiting(reason):
    return f'kube_pod_container_status_waiting_reason{{{CONTAINER},reason="{reason}"}}'


RESTARTS = f"kube_pod_container_status_restarts_total{{{CONTAINER}}}"

CASES = [
    Case("ServiceShortOfPods", [(WELL[0], "6x9 5x20 6x30")], [12, 25], [9, 10, 31]),
    # Restarts at once, then after ever longer pauses; between them it waits.
    Case("PodCrashLooping", [(RESTARTS, "0 2 3 4 5 5 5 6 6 6 6 6 7 7 7 7 7 8 8 8 8 8 9x40"),
                             (waiting("CrashLoopBackOff"), "0 1 0 1 1 1 1 0 1 1 1 1 0 1 1 1 1 0 1 1 1 1 0x40")],
         [4, 10, 16, 22], [0, 1, 35]),
    Case("PodCrashLooping", [(RESTARTS, "0x9 1x50"), (waiting("CrashLoopBackOff"), "0x9 1 0x50")], [], [10, 12, 20]),
    Case("PodCannotStart", [(waiting("ImagePullBackOff"), "0x4 1x30 0x20")], [7, 30], [4, 5, 40]),
    Case("PodCannotStart", [(waiting("ContainerCreating"), "1x60")], [], [30]),
    Case("PodOutOfMemory", [(f'kube_pod_container_status_last_terminated_reason{{{CONTAINER},reason="OOMKilled"}}', "0x4 1x50"),
                            (RESTARTS, "0x4 1x50")], [7, 12], [3, 30]),
    Case("PodPending", [(f'kube_pod_status_phase{{{POD},phase="Pending"}}', "0x4 1x20 0x30")], [11, 20], [8, 9, 30]),
    Case("PodPending", [(f'kube_pod_status_phase{{namespace="other",pod="x",phase="Pending"}}', "1x60")], [], [30]),
    Case("ProbesFail", [(f'prober_probe_total{{{CONTAINER},probe_type="Readiness",result="failed"}}', "0x9 0+3x10 30x30")], [13, 18], [9, 30]),
    Case("ProbesFail", [(f'prober_probe_total{{{CONTAINER},probe_type="Startup",result="failed"}}', "0+30x60")], [], [20]),
    Case("RolloutStuck", [(f'kube_deployment_status_condition{{{DEPLOYMENT},condition="Progressing",status="false"}}', "0x4 1x20 0x30")], [6, 20], [4, 40]),
    Case("AutoscalerAtItsEnd", [(f"kube_horizontalpodautoscaler_status_current_replicas{{{HPA}}}", "59x4 60x20 40x30")], [11, 20], [4, 8, 40]),
    Case("AutoscalerBlind", [(f'kube_horizontalpodautoscaler_status_condition{{{HPA},condition="ScalingActive",status="false"}}', "0x4 1x20 0x30")], [9, 20], [6, 40]),
    Case("NodesDoNotCome", [('cluster_autoscaler_failed_scale_ups_total{reason="cloudProviderError"}', "0x4 1x50")], [6, 12], [4, 30]),
    Case("BudgetExhausted", [(f'kube_poddisruptionbudget_status_current_healthy{{{SPACE},poddisruptionbudget="orders-api"}}', "6x4 4x20 6x30"),
                             (f'kube_poddisruptionbudget_status_desired_healthy{{{SPACE},poddisruptionbudget="orders-api"}}', "5x60")], [11, 20], [4, 8, 40]),
    Case("NodeNotReady", [('kube_node_status_condition{node="n",condition="Ready",status="true"}', "1x4 0x20 1x30")], [7, 20], [4, 5, 40]),
    Case("MetricsMissing", [(WELL[0], "6x4 stale")], [21, 40], [3, 9]),
    Case("MetricsMissing", [WELL], [], [30, 50]),
]


def rules_of(directory):
    import yaml
    # With upstream's autoscaler there is a rule more, by its metric.
    (directory / "upstream.yaml").write_text(re.sub(r"(?m)^  controller_image:.*\n", "", example("everything").read_text()))
    render(directory / "out", directory / "upstream.yaml")
    rule = yaml.safe_load((directory / "out/kubernetes/overlays/eks/prometheus-rule.yaml").read_text())
    (directory / "rules.yaml").write_text(yaml.safe_dump(rule["spec"]))
    return {each["alert"]: each for group in rule["spec"]["groups"] for each in group["rules"]}


class Alerts(Scratch):
    def setUp(self):
        super().setUp()
        if shutil.which("promtool") is None:
            missing("promtool", "whether alerts fire when they should")
        try:
            import yaml
        except ImportError:
            missing("PyYAML", "whether alerts fire when they should")
        self.yaml = yaml

    def test_every_rule_has_a_case_that_fires(self):
        self.assertEqual(set(rules_of(self.directory)), {case.alert for case in CASES if case.fires})

    def test_they_fire_when_they_should_and_not_otherwise(self):
        rules = rules_of(self.directory)
        for case in CASES:
            with self.subTest(alert=case.alert, series=case.series):
                text = self.evaluate(case)
                for minute in case.fires:
                    self.assertIn((case.alert, minute), text, "does not fire")
                for minute in case.silent:
                    self.assertNotIn((case.alert, minute), text, "fires")
                self.assertIn(rules[case.alert]["labels"]["severity"], ("warning", "critical"))

    def evaluate(self, case):
        """Which of the minutes find the alert firing. promtool compares with what is expected, so it is
        asked of each minute whether it expects none."""
        fires = set()
        for minute in (*case.fires, *case.silent):
            test = {"rule_files": [str(self.directory / "rules.yaml")], "evaluation_interval": "30s",
                    "tests": [{"interval": "1m", "input_series": [{"series": name, "values": values} for name, values in case.series],
                               "alert_rule_test": [{"eval_time": f"{minute}m", "alertname": case.alert, "exp_alerts": []}]}]}
            path = self.directory / "test.yaml"
            path.write_text(self.yaml.safe_dump(test))
            done = run("promtool", "test", "rules", path, check=False)
            if done.returncode != 0:
                self.assertIn("got:[", (done.stdout + done.stderr).replace(" ", "").replace("\n", ""), done.stdout + done.stderr)
                fires.add((case.alert, minute))
        return fires


if __name__ == "__main__":
    tools.main("__main__")
