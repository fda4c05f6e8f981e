// Go's clients against the API: what controllers of other people are made of. Prints "ok NAME" or
// "not ok NAME: why" per check, and fails when one does.
//
//	conformance KUBECONFIG
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

type check struct {
	name string
	run  func(ctx context.Context, config *rest.Config) error
}

// eventually asks until the answer is yes or the context ends.
func eventually(ctx context.Context, what string, is func() (bool, error)) error {
	for {
		yes, err := is()
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		if yes {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: did not come about", what)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func main() {
	config, err := clientcmd.BuildConfigFromFlags("", os.Args[1])
	if err != nil {
		fmt.Println("not ok configuration:", err)
		os.Exit(1)
	}
	config.QPS, config.Burst = 1000, 1000
	failed := false
	for _, each := range []check{
		{"typed_client_writes_protobuf", typedWrites},
		{"typed_informers_see_changes", typedInformers},
		{"leader_election_hands_over", leaderElection},
		{"definitions_through_their_typed_client", typedDefinitions},
		{"dynamic_informer_on_a_custom_kind", dynamicInformer},
		{"metadata_informer_on_a_custom_kind", metadataInformer},
		{"controller_runtime_reconciles_a_custom_kind", controllerRuntime},
	} {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		if err := each.run(ctx, rest.CopyConfig(config)); err != nil {
			fmt.Printf("not ok %s: %v\n", each.name, err)
			failed = true
		} else {
			fmt.Println("ok", each.name)
		}
		cancel()
	}
	if failed {
		os.Exit(1)
	}
}
