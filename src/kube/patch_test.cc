#include "kube/patch.h"

#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>

#include "kube/json.h"
#include "kube/types/apps.h"
#include "kube/types/pod.h"

namespace minato::kube {
namespace {

struct Case {
  const char* what;
  const char* document;
  const char* patch;
  const char* expected;  // Null: refused.
};

boost::json::value parsed(std::string_view text) {
  auto value = parse_json(text);
  EXPECT_TRUE(value) << text;
  return value ? *value : boost::json::value();
}

void expect_equal(const Case& c, const Result<boost::json::value>& found) {
  if (c.expected == nullptr) {
    EXPECT_FALSE(found) << c.what << ": " << boost::json::serialize(*found);
    return;
  }
  ASSERT_TRUE(found) << c.what << ": " << found.error().message;
  EXPECT_EQ(*found, parsed(c.expected)) << c.what << ": " << boost::json::serialize(*found);
}

TEST(JsonPatchTest, FollowsRfc6902) {
  const Case cases[] = {
      {"add member", R"({"a":1})", R"([{"op":"add","path":"/b","value":2}])", R"({"a":1,"b":2})"},
      {"add replaces", R"({"a":1})", R"([{"op":"add","path":"/a","value":2}])", R"({"a":2})"},
      {"insert", "[1,3]", R"([{"op":"add","path":"/1","value":2}])", "[1,2,3]"},
      {"append", "[1]", R"([{"op":"add","path":"/-","value":2}])", "[1,2]"},
      {"beyond the end", "[1]", R"([{"op":"add","path":"/2","value":2}])", nullptr},
      {"no parent", "{}", R"([{"op":"add","path":"/a/b","value":2}])", nullptr},
      {"remove", R"({"a":1,"b":2})", R"([{"op":"remove","path":"/a"}])", R"({"b":2})"},
      {"remove element", "[1,2,3]", R"([{"op":"remove","path":"/1"}])", "[1,3]"},
      {"remove nothing", "{}", R"([{"op":"remove","path":"/a"}])", nullptr},
      {"replace", R"({"a":{"b":1}})", R"([{"op":"replace","path":"/a/b","value":null}])",
       R"({"a":{"b":null}})"},
      {"replace nothing", "{}", R"([{"op":"replace","path":"/a","value":1}])", nullptr},
      {"replace all", R"({"a":1})", R"([{"op":"replace","path":"","value":[1]}])", "[1]"},
      {"move", R"({"a":1})", R"([{"op":"move","from":"/a","path":"/b"}])", R"({"b":1})"},
      {"move into itself", R"({"a":{}})", R"([{"op":"move","from":"/a","path":"/a/b"}])", nullptr},
      {"copy", R"({"a":[1]})", R"([{"op":"copy","from":"/a","path":"/b"}])",
       R"({"a":[1],"b":[1]})"},
      {"test holds", R"({"a":[1,{"b":2}]})",
       R"([{"op":"test","path":"/a","value":[1,{"b":2}]},{"op":"remove","path":"/a"}])", "{}"},
      {"test fails", R"({"a":1})", R"([{"op":"test","path":"/a","value":2}])", nullptr},
      {"escapes", R"({"a/b":1,"m~n":2})",
       R"([{"op":"remove","path":"/a~1b"},{"op":"remove","path":"/m~0n"}])", "{}"},
      {"bad escape", R"({"a":1})", R"([{"op":"remove","path":"/a~2"}])", nullptr},
      {"leading zero", "[1,2]", R"([{"op":"remove","path":"/01"}])", nullptr},
      {"unknown operation", "{}", R"([{"op":"jump","path":"/a","value":1}])", nullptr},
      {"no list", "{}", "{}", nullptr},
      {"all or none", R"({"a":1})",
       R"([{"op":"remove","path":"/a"},{"op":"remove","path":"/b"}])", nullptr},
  };
  for (const Case& c : cases) {
    expect_equal(c, apply_json_patch(parsed(c.document), parsed(c.patch)));
  }
}

TEST(JsonPatchTest, CopiesOfCopiesAreBounded) {
  std::string patch = "[";
  for (int i = 0; i < 40; ++i) {
    if (i > 0) patch += ',';
    patch += R"({"op":"copy","from":"","path":"/)" + std::to_string(i) + "\"}";
  }
  const auto found = apply_json_patch(parsed(R"({"a":"some text"})"), parsed(patch + "]"));
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().reason, Reason::kBadRequest);
}

TEST(MergePatchTest, FollowsRfc7386) {
  // The examples of its appendix A.
  const Case cases[] = {
      {"1", R"({"a":"b"})", R"({"a":"c"})", R"({"a":"c"})"},
      {"2", R"({"a":"b"})", R"({"b":"c"})", R"({"a":"b","b":"c"})"},
      {"3", R"({"a":"b"})", R"({"a":null})", "{}"},
      {"4", R"({"a":"b","b":"c"})", R"({"a":null})", R"({"b":"c"})"},
      {"5", R"({"a":["b"]})", R"({"a":"c"})", R"({"a":"c"})"},
      {"6", R"({"a":"c"})", R"({"a":["b"]})", R"({"a":["b"]})"},
      {"7", R"({"a":{"b":"c"}})", R"({"a":{"b":"d","c":null}})", R"({"a":{"b":"d"}})"},
      {"8", R"({"a":[{"b":"c"}]})", R"({"a":[1]})", R"({"a":[1]})"},
      {"9", R"(["a","b"])", R"(["c","d"])", R"(["c","d"])"},
      {"10", R"({"a":"b"})", R"(["c"])", R"(["c"])"},
      {"11", R"({"a":"foo"})", "null", "null"},
      {"12", R"({"a":"foo"})", R"("bar")", R"("bar")"},
      {"13", R"({"e":null})", R"({"a":1})", R"({"e":null,"a":1})"},
      {"14", "[1,2]", R"({"a":"b","c":null})", R"({"a":"b"})"},
      {"15", "{}", R"({"a":{"bb":{"ccc":null}}})", R"({"a":{"bb":{}}})"},
  };
  for (const Case& c : cases) {
    expect_equal(c, apply_merge_patch(parsed(c.document), parsed(c.patch)));
  }
}

TEST(StrategicMergeTest, ListsMergeAsTheTablesOfThePodSay) {
  const Case cases[] = {
      {"an element merges by name",
       R"({"spec":{"containers":[{"name":"a","image":"1","tty":true},{"name":"b"}]}})",
       R"({"spec":{"containers":[{"name":"a","image":"2"}]}})",
       R"({"spec":{"containers":[{"name":"a","image":"2","tty":true},{"name":"b"}]}})"},
      {"a new element is appended", R"({"spec":{"containers":[{"name":"a"}]}})",
       R"({"spec":{"containers":[{"name":"b"}]}})",
       R"({"spec":{"containers":[{"name":"a"},{"name":"b"}]}})"},
      {"an element is deleted", R"({"spec":{"containers":[{"name":"a"},{"name":"b"}]}})",
       R"({"spec":{"containers":[{"name":"a","$patch":"delete"}]}})",
       R"({"spec":{"containers":[{"name":"b"}]}})"},
      {"a list is replaced", R"({"spec":{"containers":[{"name":"a"},{"name":"b"}]}})",
       R"({"spec":{"containers":[{"$patch":"replace"},{"name":"c"}]}})",
       R"({"spec":{"containers":[{"name":"c"}]}})"},
      {"nested lists merge",
       R"({"spec":{"containers":[{"name":"a","env":[{"name":"X","value":"1"}]}]}})",
       R"({"spec":{"containers":[{"name":"a","env":[{"name":"Y","value":"2"}]}]}})",
       R"({"spec":{"containers":[{"name":"a","env":[{"name":"X","value":"1"},
           {"name":"Y","value":"2"}]}]}})"},
      {"ports merge by number",
       R"({"spec":{"containers":[{"name":"a","ports":[{"containerPort":80,"name":"old"}]}]}})",
       R"({"spec":{"containers":[{"name":"a","ports":[{"containerPort":80,"name":"new"}]}]}})",
       R"({"spec":{"containers":[{"name":"a","ports":[{"containerPort":80,"name":"new"}]}]}})"},
      {"a list without a merge key is replaced",
       R"({"spec":{"tolerations":[{"key":"a"}]}})", R"({"spec":{"tolerations":[{"key":"b"}]}})",
       R"({"spec":{"tolerations":[{"key":"b"}]}})"},
      {"a list of words without strategy is replaced",
       R"({"spec":{"containers":[{"name":"a","args":["1","2"]}]}})",
       R"({"spec":{"containers":[{"name":"a","args":["3"]}]}})",
       R"({"spec":{"containers":[{"name":"a","args":["3"]}]}})"},
      {"finalizers are a set", R"({"metadata":{"finalizers":["a"]}})",
       R"({"metadata":{"finalizers":["a","b"]}})", R"({"metadata":{"finalizers":["a","b"]}})"},
      {"words are taken out of a set", R"({"metadata":{"finalizers":["a","b"]}})",
       R"({"metadata":{"$deleteFromPrimitiveList/finalizers":["a"]}})",
       R"({"metadata":{"finalizers":["b"]}})"},
      {"null removes", R"({"metadata":{"labels":{"a":"1","b":"2"}}})",
       R"({"metadata":{"labels":{"a":null}}})", R"({"metadata":{"labels":{"b":"2"}}})"},
      {"maps merge", R"({"metadata":{"labels":{"a":"1"}}})", R"({"metadata":{"labels":{"b":"2"}}})",
       R"({"metadata":{"labels":{"a":"1","b":"2"}}})"},
      {"a map is replaced", R"({"metadata":{"labels":{"a":"1"}}})",
       R"({"metadata":{"labels":{"$patch":"replace","b":"2"}}})",
       R"({"metadata":{"labels":{"b":"2"}}})"},
      {"a struct is emptied", R"({"spec":{"securityContext":{"fsGroup":1}}})",
       R"({"spec":{"securityContext":{"$patch":"delete"}}})", R"({"spec":{"securityContext":{}}})"},
      {"directives do not survive where nothing was", R"({})",
       R"({"spec":{"containers":[{"name":"a","$patch":"delete"},{"name":"b","x":null}],
           "$setElementOrder/containers":[{"name":"b"}]}})",
       R"({"spec":{"containers":[{"name":"b"}]}})"},
      {"retainKeys switches a volume's source",
       R"({"spec":{"volumes":[{"name":"v","emptyDir":{}}]}})",
       R"({"spec":{"volumes":[{"name":"v","$retainKeys":["name","configMap"],
           "configMap":{"name":"c"}}]}})",
       R"({"spec":{"volumes":[{"name":"v","configMap":{"name":"c"}}]}})"},
      {"the order of elements is set",
       R"({"spec":{"containers":[{"name":"a"},{"name":"b"},{"name":"server"}]}})",
       R"({"spec":{"$setElementOrder/containers":[{"name":"b"},{"name":"c"},{"name":"a"}],
           "containers":[{"name":"c"}]}})",
       R"({"spec":{"containers":[{"name":"b"},{"name":"c"},{"name":"a"},{"name":"server"}]}})"},
      {"unknown members merge plainly", R"({"spec":{"future":{"a":1,"l":[1]}}})",
       R"({"spec":{"future":{"b":2,"l":[2]}}})", R"({"spec":{"future":{"a":1,"b":2,"l":[2]}}})"},
      {"a merge key is missing", R"({"spec":{"containers":[{"name":"a"}]}})",
       R"({"spec":{"containers":[{"image":"x"}]}})", nullptr},
      {"an element that is no object", R"({"spec":{"containers":[{"name":"a"}]}})",
       R"({"spec":{"containers":["a"]}})", nullptr},
      {"an unknown directive", "{}", R"({"spec":{"$patch":"explode"}})", nullptr},
      {"no object", "{}", "[]", nullptr},
      {"status conditions merge by type",
       R"({"status":{"conditions":[{"type":"Ready","status":"True"},{"type":"X"}]}})",
       R"({"status":{"conditions":[{"type":"Ready","status":"False"}]}})",
       R"({"status":{"conditions":[{"type":"Ready","status":"False"},{"type":"X"}]}})"},
  };
  for (const Case& c : cases) {
    expect_equal(c, apply_strategic_merge_patch(parsed(c.document), parsed(c.patch),
                                                type_of<Pod>()));
  }
}

TEST(StrategicMergeTest, DamagedTargetsAreNoTrap) {
  // A list with an element that is no object: only comparable elements are looked at.
  const Case c{"mixed", R"({"spec":{"containers":[1,{"name":"a"}]}})",
               R"({"spec":{"containers":[{"name":"a","image":"2"}]}})",
               R"({"spec":{"containers":[1,{"name":"a","image":"2"}]}})"};
  expect_equal(c,
               apply_strategic_merge_patch(parsed(c.document), parsed(c.patch), type_of<Pod>()));
}

}  // namespace
}  // namespace minato::kube
