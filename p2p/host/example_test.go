package host_test

import (
	"context"
	"fmt"
	"sync"

	"github.com/keelson-chain/keelson/p2p/host"
	"github.com/keelson-chain/keelson/p2p/message"
	"github.com/keelson-chain/keelson/wire"
)

// greeter says who has come, and answers every request with its name.
type greeter struct {
	name string
	come chan *host.Peer
}

func (g *greeter) Connected(p *host.Peer) {
	g.come <- p
}

func (g *greeter) Disconnected(*host.Peer)              {}
func (g *greeter) Received(*host.Peer, message.Message) {}

func (g *greeter) Serve(_ context.Context, _ *host.Peer, _ string, _ []byte, answer func([]byte) error) error {
	return answer([]byte("I am " + g.name))
}

// Two nodes of one network meet, and one asks the other something.
func Example() {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()

	begin := func(name string) (*host.Host, *greeter) {
		g := &greeter{name: name, come: make(chan *host.Peer, 1)}
		h, err := host.New(host.Config{
			Genesis:        wire.Hash{31: 0xee}, // which network this is
			MaxBlockWeight: 4_000_000,
			Listen:         []string{"/ip4/127.0.0.1/tcp/0"},
			Dev:            true,
			Hello:          func() message.Hello { return message.Hello{Version: message.Version, Subver: "/" + name + "/"} },
			Handler:        g,
		})
		if err != nil {
			panic(err)
		}
		running.Go(func() { _ = h.Run(ctx) })
		<-h.Running()
		return h, g
	}
	alice, hers := begin("alice")
	bob, _ := begin("bob")

	at := bob.LibP2P().Network().ListenAddresses()[0].String() + "/p2p/" + bob.ID()
	if err := alice.OneTry(ctx, at); err != nil {
		panic(err)
	}
	p := <-hers.come
	fmt.Println(p.Kind(), p.Hello().Subver)
	answer, err := p.Ask(ctx, message.NameHeaders, nil, 100)
	fmt.Println(string(answer), err)
	// Output:
	// manual /bob/
	// I am bob <nil>
}
