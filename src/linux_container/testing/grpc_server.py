"""A gRPC server with the health service, by grpcio; prints its port and ends when its input does.

Services: "" and "good" serve, "bad" does not, "slow" answers never; others are unknown.
"""
import concurrent.futures
import sys
import threading

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc


class Servicer(health.HealthServicer):
    def Check(self, request, context):
        if request.service == "slow":
            threading.Event().wait(context.time_remaining() + 1)
        return super().Check(request, context)


def main():
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(max_workers=4))
    if sys.argv[1:] != ["without-health"]:
        servicer = Servicer()
        health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
        servicer.set("good", health_pb2.HealthCheckResponse.SERVING)
        servicer.set("bad", health_pb2.HealthCheckResponse.NOT_SERVING)
    print(server.add_insecure_port("127.0.0.1:0"), flush=True)
    server.start()
    sys.stdin.read()
    server.stop(None)


main()
