package main

import (
	"context"
	"fmt"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apiextensionsclient "k8s.io/apiextensions-apiserver/pkg/client/clientset/clientset"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/rest"
)

// A definition of PLURAL.example.com; its objects have spec.size (default 1) and a status.
func definition(plural, kind string) *apiextensions.CustomResourceDefinition {
	one := apiextensions.JSON{Raw: []byte("1")}
	integer := func() apiextensions.JSONSchemaProps { return apiextensions.JSONSchemaProps{Type: "integer"} }
	size := integer()
	size.Default = &one
	return &apiextensions.CustomResourceDefinition{
		TypeMeta:   metav1.TypeMeta{APIVersion: "apiextensions.k8s.io/v1", Kind: "CustomResourceDefinition"},
		ObjectMeta: metav1.ObjectMeta{Name: plural + ".example.com"},
		Spec: apiextensions.CustomResourceDefinitionSpec{
			Group: "example.com", Scope: apiextensions.NamespaceScoped,
			Names: apiextensions.CustomResourceDefinitionNames{Plural: plural, Kind: kind},
			Versions: []apiextensions.CustomResourceDefinitionVersion{{
				Name: "v1", Served: true, Storage: true,
				Subresources: &apiextensions.CustomResourceSubresources{Status: &apiextensions.CustomResourceSubresourceStatus{}},
				Schema: &apiextensions.CustomResourceValidation{OpenAPIV3Schema: &apiextensions.JSONSchemaProps{
					Type: "object",
					Properties: map[string]apiextensions.JSONSchemaProps{
						"spec":   {Type: "object", Properties: map[string]apiextensions.JSONSchemaProps{"size": size}},
						"status": {Type: "object", Properties: map[string]apiextensions.JSONSchemaProps{"seen": integer()}},
					},
				}},
			}},
		},
	}
}

// define creates it as JSON, waits until it is established, and gives the way to delete it.
func define(ctx context.Context, config *rest.Config, plural, kind string) (func(), error) {
	json := rest.CopyConfig(config)
	json.ContentType = "application/json"
	all := apiextensionsclient.NewForConfigOrDie(json).ApiextensionsV1().CustomResourceDefinitions()
	name := plural + ".example.com"
	if _, err := all.Create(ctx, definition(plural, kind), metav1.CreateOptions{}); err != nil {
		return nil, err
	}
	remove := func() { _ = all.Delete(context.Background(), name, metav1.DeleteOptions{}) }
	return remove, eventually(ctx, "an established definition", func() (bool, error) {
		found, err := all.Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return false, err
		}
		for _, condition := range found.Status.Conditions {
			if condition.Type == apiextensions.Established && condition.Status == apiextensions.ConditionTrue {
				return true, nil
			}
		}
		return false, nil
	})
}

func object(kind, name string) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "example.com/v1", "kind": kind, "metadata": map[string]any{"name": name}, "spec": map[string]any{}}}
}

// The client as it comes, whatever it sends.
func typedDefinitions(ctx context.Context, config *rest.Config) error {
	all := apiextensionsclient.NewForConfigOrDie(config).ApiextensionsV1().CustomResourceDefinitions()
	if _, err := all.Create(ctx, definition("typeds", "Typed"), metav1.CreateOptions{}); err != nil {
		return err
	}
	return all.Delete(ctx, "typeds.example.com", metav1.DeleteOptions{})
}

func dynamicInformer(ctx context.Context, config *rest.Config) error {
	remove, err := define(ctx, config, "informeds", "Informed")
	if err != nil {
		return err
	}
	defer remove()
	client := dynamic.NewForConfigOrDie(config)
	resource := schema.GroupVersionResource{Group: "example.com", Version: "v1", Resource: "informeds"}
	factory := dynamicinformer.NewDynamicSharedInformerFactory(client, 0)
	lister := factory.ForResource(resource).Lister()
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	if _, err := client.Resource(resource).Namespace("default").Create(ctx, object("Informed", "a"), metav1.CreateOptions{}); err != nil {
		return err
	}
	return eventually(ctx, "the object with its default in the cache", func() (bool, error) {
		found, err := lister.ByNamespace("default").Get("a")
		if err != nil {
			return false, nil
		}
		size, _, err := unstructured.NestedInt64(found.(*unstructured.Unstructured).Object, "spec", "size")
		return size == 1, err
	})
}

func metadataInformer(ctx context.Context, config *rest.Config) error {
	remove, err := define(ctx, config, "partials", "Partial")
	if err != nil {
		return err
	}
	defer remove()
	resource := schema.GroupVersionResource{Group: "example.com", Version: "v1", Resource: "partials"}
	factory := metadatainformer.NewSharedInformerFactory(metadata.NewForConfigOrDie(config), 0)
	lister := factory.ForResource(resource).Lister()
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	client := dynamic.NewForConfigOrDie(config).Resource(resource).Namespace("default")
	if _, err := client.Create(ctx, object("Partial", "a"), metav1.CreateOptions{}); err != nil {
		return err
	}
	return eventually(ctx, "the object's metadata in the cache", func() (bool, error) {
		found, err := lister.ByNamespace("default").Get("a")
		if err != nil {
			return false, nil
		}
		if found.(*metav1.PartialObjectMetadata).UID == "" {
			return false, fmt.Errorf("it has no uid")
		}
		return true, nil
	})
}
