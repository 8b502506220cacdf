package metrics

import "github.com/keelson-chain/keelson/rpc/zmq"

// ZMQ is the Source of what is published to ZeroMQ subscribers. It reports
// nothing where nothing is published.
func ZMQ(p *zmq.Publisher) Source {
	return func(r *Report) {
		l := p.Load()
		if len(l.Sockets) == 0 {
			return
		}
		for _, s := range l.Sockets {
			address := s.Address.String()
			r.Gauge("keelson_zmq_subscribers", "Connected ZMQ subscribers, by address.", float64(s.Subscribers), "address", address)
			r.Counter("keelson_zmq_dropped_total", "Messages that subscribers lost because they read too slowly, by address.", s.Dropped, "address", address)
		}
		r.Counter("keelson_zmq_missed_total", "Transactions that came or left too fast to be published.", l.Missed)
	}
}
