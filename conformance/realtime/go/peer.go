// A client of ../clients.test.mjs that uses ably-go. See there for what goes over standard input and output.
//
// Its argument is a JSON object: host, port, authUrl, binary, channel, clientId.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/ably/ably-go/ably"
)

const (
	retry      = 100 * time.Millisecond
	maxCommand = 1 << 20
)

type settings struct {
	Host     string
	Port     int
	AuthURL  string
	Binary   bool
	Channel  string
	ClientID string
}

type command struct {
	Do     string
	Name   string
	Data   string
	Serial string
}

type details map[string]any

var output sync.Mutex

func tell(event string, what details) {
	output.Lock()
	defer output.Unlock()
	if what == nil {
		what = details{}
	}
	what["event"] = event
	line, err := json.Marshal(what)
	if err != nil {
		panic(err)
	}
	fmt.Println(string(line))
}

func codeOf(reason *ably.ErrorInfo) any {
	if reason == nil {
		return nil
	}
	return reason.Code
}

// The numbers of the protocol, for which this client has names.
var actions = map[ably.MessageAction]int{
	ably.MessageActionCreate: 0, ably.MessageActionUpdate: 1, ably.MessageActionDelete: 2,
	ably.MessageActionMessageSummary: 4, ably.MessageActionAppend: 5,
}

type peer struct {
	client  *ably.Realtime
	channel *ably.RealtimeChannel
}

func newPeer(with settings) (*peer, error) {
	client, err := ably.NewRealtime(
		ably.WithEndpoint(with.Host),
		ably.WithPort(with.Port),
		ably.WithTLS(false),
		ably.WithAuthURL(with.AuthURL),
		ably.WithClientID(with.ClientID),
		ably.WithUseBinaryProtocol(with.Binary),
		ably.WithAutoConnect(false),
		ably.WithDisconnectedRetryTimeout(retry),
		ably.WithSuspendedRetryTimeout(retry),
		ably.WithChannelRetryTimeout(retry),
		ably.WithLogLevel(ably.LogNone),
	)
	if err != nil {
		return nil, err
	}
	return &peer{client, client.Channels.Get(with.Channel)}, nil
}

func (p *peer) start(ctx context.Context) error {
	p.client.Connection.OnAll(func(change ably.ConnectionStateChange) {
		tell("connection", details{"state": strings.ToLower(change.Current.String()), "code": codeOf(change.Reason)})
	})
	p.channel.OnAll(func(change ably.ChannelStateChange) {
		tell("channel", details{"state": strings.ToLower(change.Current.String()), "resumed": change.Resumed})
	})
	p.client.Connect()
	_, err := p.channel.SubscribeAll(ctx, func(message *ably.Message) {
		tell("message", details{
			"name": message.Name, "data": message.Data, "serial": message.Serial, "action": actions[message.Action],
		})
	})
	return err
}

func (p *peer) obey(ctx context.Context, what command) (details, error) {
	message := &ably.Message{Serial: what.Serial, Data: what.Data}
	switch what.Do {
	case "publish":
		result, err := p.channel.PublishWithResult(ctx, what.Name, what.Data)
		if err != nil {
			return nil, err
		}
		return details{"serial": result.Serial}, nil
	case "append":
		_, err := p.channel.AppendMessage(ctx, message)
		return nil, err
	case "update":
		_, err := p.channel.UpdateMessage(ctx, message)
		return nil, err
	case "delete":
		_, err := p.channel.DeleteMessage(ctx, &ably.Message{Serial: what.Serial})
		return nil, err
	case "enter":
		return nil, p.channel.Presence.Enter(ctx, what.Data)
	case "leave":
		return nil, p.channel.Presence.Leave(ctx, nil)
	case "members":
		members, err := p.channel.Presence.Get(ctx)
		if err != nil {
			return nil, err
		}
		found := details{}
		for _, member := range members {
			found[member.ClientID] = member.Data
		}
		return details{"members": found}, nil
	case "history":
		return p.history(ctx)
	case "close":
		closed := make(chan struct{})
		off := p.client.Connection.Once(ably.ConnectionEventClosed, func(ably.ConnectionStateChange) { close(closed) })
		defer off()
		p.client.Close()
		select {
		case <-closed:
			return nil, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	default:
		return nil, fmt.Errorf("no such command: %s", what.Do)
	}
}

func (p *peer) history(ctx context.Context) (details, error) {
	pages, err := p.channel.History(ably.HistoryWithDirection(ably.Forwards), ably.HistoryWithLimit(2)).Pages(ctx)
	if err != nil {
		return nil, err
	}
	items := []details{}
	for pages.Next(ctx) {
		for _, message := range pages.Items() {
			items = append(items, details{"data": message.Data, "serial": message.Serial})
		}
	}
	return details{"items": items}, pages.Err()
}

func main() {
	var with settings
	if err := json.Unmarshal([]byte(os.Args[1]), &with); err != nil {
		panic(err)
	}
	ctx := context.Background()
	p, err := newPeer(with)
	if err == nil {
		err = p.start(ctx)
	}
	if err != nil {
		panic(err)
	}
	tell("started", nil)
	commands := bufio.NewScanner(os.Stdin)
	commands.Buffer(nil, maxCommand)
	for commands.Scan() {
		var what command
		if err := json.Unmarshal(commands.Bytes(), &what); err != nil {
			panic(err)
		}
		result, err := p.obey(ctx, what)
		if err != nil {
			var info *ably.ErrorInfo
			errors.As(err, &info)
			tell("reply", details{"error": details{"code": codeOf(info), "message": err.Error()}})
		} else {
			tell("reply", details{"result": result})
		}
	}
}
