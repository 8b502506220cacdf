package metrics

import "github.com/keelson-chain/keelson/rpc"

// RPC is the Source of the JSON-RPC server.
func RPC(s *rpc.Server) Source {
	return func(r *Report) {
		l := s.Load()
		r.Gauge("keelson_rpc_connections", "Open connections.", float64(l.Connections))
		r.Gauge("keelson_rpc_connections_limit", "Open connections at most.", float64(l.MaxConnections))
		r.Gauge("keelson_rpc_working", "Requests that are being carried out.", float64(l.Working))
		r.Gauge("keelson_rpc_threads", "Requests carried out at the same time at most (rpcthreads).", float64(l.Threads))
		r.Gauge("keelson_rpc_queue", "Requests that wait to be carried out.", float64(l.Waiting))
		r.Gauge("keelson_rpc_queue_limit", "Requests that wait at most (rpcworkqueue).", float64(l.Queue))
		r.Counter("keelson_rpc_refused_total", "Requests turned away because too many were waiting.", l.Refused)
		r.Counter("keelson_rpc_unauthorized_total", "Requests with no credentials or wrong ones.", l.Unauthorized)
		r.Counter("keelson_rpc_unknown_method_total", "Calls of methods that do not exist.", l.Unknown)
		for _, c := range l.Calls {
			const help = "Calls that have ended, by method and outcome."
			r.Counter("keelson_rpc_calls_total", help, c.Time.Count-min(c.Failed, c.Time.Count), "method", c.Method, "outcome", "ok")
			r.Counter("keelson_rpc_calls_total", help, c.Failed, "method", c.Method, "outcome", "error")
			r.Durations("keelson_rpc_call_seconds", "Time that calls took, by method.", c.Time, "method", c.Method)
		}
	}
}
