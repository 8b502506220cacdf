package attack

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"

	"github.com/keelson-chain/keelson/p2p/message"
)

// crowds are attacks by who comes, how often, and whom it knows.
func crowds() []Attack {
	return []Attack{
		{Name: "coming and going", Fate: Borne, Stranger: true, Run: func(ctx context.Context, c *Conn) {
			_ = c.Greet(ctx, c.Hello()) // the next one follows at once
		}},
		{Name: "one attacker many times", Fate: Borne, Run: func(ctx context.Context, c *Conn) {
			key := c.host.Peerstore().PrivKey(c.host.ID())
			for c.going(ctx) {
				twin, err := DialAs(ctx, c.Victim, key)
				if err != nil {
					if !c.wait(ctx, 100_000_000) {
						return
					}
					continue
				}
				_ = twin.Greet(ctx, twin.Hello())
				twin.Close()
			}
		}},
		{Name: "addresses", Fate: Borne, Stranger: true, Run: func(ctx context.Context, c *Conn) {
			c.Serve(message.NameAddrs, func(_ []byte, answer io.Writer) error {
				m := &message.Addresses{}
				for range message.MaxAddresses {
					m.List = append(m.List, message.Address{Addr: c.address() + "/p2p/" + c.ID, Services: 9, Time: 1 << 40})
				}
				_, err := answer.Write(message.AppendFrame(nil, m.Append(nil)))
				return err
			})
			hello := c.Hello()
			for range message.MaxListen {
				hello.Listen = append(hello.Listen, c.address())
			}
			hello.Observed = "/dns4/" + strings.Repeat("a", 200) + "/tcp/1"
			if c.Greet(ctx, hello) == nil {
				hold(ctx, c)
			}
		}},
	}
}

// address is somewhere in the world.
func (c *Conn) address() string {
	return fmt.Sprintf("/ip4/%d.%d.%d.%d/tcp/%d", 1+rand.IntN(200), rand.IntN(256), rand.IntN(256), rand.IntN(256), 1+rand.IntN(65535))
}
