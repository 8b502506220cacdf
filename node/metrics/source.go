package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/keelson-chain/keelson/internal/latency"
)

// Source reports the numbers of one part of the node. It is called at each
// scrape, possibly by several goroutines at once, and must not wait for long.
type Source func(*Report)

// Describe tells the registry nothing in advance, which makes it look at what
// comes instead.
func (s Source) Describe(chan<- *prometheus.Desc) {}

// Collect makes a Source a prometheus.Collector.
func (s Source) Collect(to chan<- prometheus.Metric) { s(&Report{to}) }

// Report takes the numbers of a Source. Labels are pairs of name and value;
// metrics of one name have the same label names, help and type.
type Report struct{ to chan<- prometheus.Metric }

// Gauge reports a number that goes up and down.
func (r *Report) Gauge(name, help string, value float64, labels ...string) {
	desc, values := describe(name, help, labels)
	r.to <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, values...)
}

// Bool reports a gauge that is 1 or 0.
func (r *Report) Bool(name, help string, value bool, labels ...string) {
	number := 0.0
	if value {
		number = 1
	}
	r.Gauge(name, help, number, labels...)
}

// Counter reports a number that only grows while the process lives. Its name
// ends with _total.
func (r *Report) Counter(name, help string, value uint64, labels ...string) {
	desc, values := describe(name, help, labels)
	r.to <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, float64(value), values...)
}

// Durations reports a histogram of durations. Its name ends with _seconds.
func (r *Report) Durations(name, help string, s latency.Snapshot, labels ...string) {
	desc, values := describe(name, help, labels)
	buckets := make(map[float64]uint64, len(s.Buckets))
	for _, b := range s.Buckets {
		buckets[b.Bound.Seconds()] = b.Count
	}
	r.to <- prometheus.MustNewConstHistogram(desc, s.Count, s.Sum.Seconds(), buckets, values...)
}

func describe(name, help string, labels []string) (*prometheus.Desc, []string) {
	var names, values []string
	for i := 0; i < len(labels); i += 2 {
		names, values = append(names, labels[i]), append(values, labels[i+1])
	}
	return prometheus.NewDesc(name, help, names, nil), values
}
