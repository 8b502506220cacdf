package rpc

import "github.com/keelson-chain/keelson/rpc/jsonrpc"

// Notification is something that is published to ZeroMQ subscribers.
type Notification struct {
	Type    string // such as pubhashblock
	Address string
	HWM     int // messages that may wait for a subscriber
}

func notificationMethods() []method {
	return []method{{
		name: "getzmqnotifications", category: "zmq", run: getzmqnotifications,
		help: "What is published to ZeroMQ subscribers, and where.",
		results: one(rArray("", "", rObject("", "",
			rString("type", "what is published"),
			rString("address", "where"),
			rNumber("hwm", "how many messages may wait for a subscriber; 0: as many as there is room for")))),
		examples: []string{""},
	}}
}

func getzmqnotifications(c *call) (any, error) {
	list := make([]jsonrpc.Object, len(c.Notifications))
	for i, n := range c.Notifications {
		list[i] = jsonrpc.Object{{Key: "type", Value: n.Type}, {Key: "address", Value: n.Address}, {Key: "hwm", Value: n.HWM}}
	}
	return list, nil
}
