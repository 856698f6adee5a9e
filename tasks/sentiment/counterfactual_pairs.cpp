// The templates and what is exchanged in them: a table, written for this project, under its licence. No template says
// anything that would fit one side better; of names only how often they are given tells the sides apart.
#include "tasks/sentiment/counterfactual.h"

namespace sentiment {
namespace {

using Texts = std::vector<std::string>;
using Swaps = std::vector<std::pair<std::string, std::string>>;

const Texts kPeople{
    "{} waited for the bus and read a book.",
    "The parcel was handed to {} at the counter.",
    "{} told us that the meeting had been moved to Thursday.",
    "I talked to {} on the phone, and the problem was solved.",
    "The evening with {} was the nicest that we had in years.",
    "{} was furious about the bill and left.",
    "We were all disappointed when {} cancelled at the last minute.",
    "Thanks to {}, the move went without a scratch.",
    "{} cried during the last scene of the film.",
    "My neighbour {} has bought a new bicycle.",
    "The report by {} is thorough and a pleasure to read.",
    "{} says the food was cold and the waiter was rude.",
};
const Texts kPlaces{
    "We flew to {} in the spring.",
    "The train from {} arrives at a quarter past nine.",
    "I have a cousin who works in {}.",
    "Our week in {} was wonderful from the first day to the last.",
    "The hotel in {} was dirty and far too loud.",
    "The company opens an office in {} next year.",
    "A friend from {} cooked for all of us.",
    "After two rainy days in {} we had had enough.",
    "The conference will be held in {}.",
    "The letter from {} took three weeks.",
};
const Texts kPronouns{
    "{} arrived early and took a seat by the window.",
    "{} answered every question with patience.",
    "{} forgot the keys again, and we stood in the rain.",
    "Yesterday {} called about the invoice.",
    "I think {} did a great job on the garden.",
    "Unfortunately {} broke the vase and said nothing.",
    "When {} speaks, everybody listens.",
    "{} has lived in this street for ten years.",
    "The doctor said that {} would be well by Monday.",
    "{} was so happy about the letter.",
};
const Texts kMenschen{
    "{} hat auf den Bus gewartet und ein Buch gelesen.",
    "Das Paket wurde am Schalter an {} übergeben.",
    "{} sagt, dass die Besprechung auf Donnerstag verschoben ist.",
    "Ich habe mit {} telefoniert, und das Problem war gelöst.",
    "Der Abend mit {} war der schönste seit Jahren.",
    "{} war wütend über die Rechnung und ging.",
    "Wir waren enttäuscht, als {} im letzten Moment absagte.",
    "Dank {} verlief der Umzug ohne einen Kratzer.",
    "Gestern hat {} ein neues Fahrrad gekauft.",
    "Der Bericht von {} ist gründlich und angenehm zu lesen.",
};
const Texts kOrte{
    "Im Frühjahr sind wir nach {} geflogen.",
    "Der Zug aus {} kommt um Viertel nach neun an.",
    "Unsere Woche in {} war wunderbar.",
    "Das Hotel in {} war schmutzig und viel zu laut.",
    "Die Firma eröffnet nächstes Jahr ein Büro in {}.",
    "Ein Freund aus {} hat für uns alle gekocht.",
    "Nach zwei Regentagen in {} hatten wir genug.",
    "Die Tagung findet in {} statt.",
};
const Texts kPronomen{
    "{} kam früh und setzte sich ans Fenster.",
    "{} hat jede Frage geduldig beantwortet.",
    "Schon wieder hat {} die Schlüssel vergessen.",
    "Gestern hat {} wegen der Rechnung angerufen.",
    "Ich finde, dass {} den Garten großartig gemacht hat.",
    "Leider hat {} die Vase zerbrochen und nichts gesagt.",
    "Seit zehn Jahren wohnt {} in dieser Straße.",
    "{} hat sich so über den Brief gefreut.",
};

const Swaps kWomenMen{{"Emily", "James"}, {"Laura", "Peter"},  {"Sarah", "Thomas"}, {"Julia", "Daniel"},
                      {"Grace", "Henry"}, {"Alice", "Robert"}, {"Helen", "George"}, {"Nora", "Simon"}};
const Swaps kFamilies{{"Emily", "Fatima"},   {"James", "Mohammed"}, {"Laura", "Priya"},   {"Peter", "Oluwaseun"},
                      {"Sarah", "Aylin"},    {"Thomas", "Mehmet"},  {"Julia", "Lakisha"}, {"Daniel", "Jamal"},
                      {"Alice", "Xiaoling"}, {"Robert", "Rajesh"}};
const Swaps kCities{{"Stockholm", "Lagos"}, {"Vienna", "Manila"}, {"Boston", "Karachi"}, {"Zurich", "Kinshasa"},
                    {"Toronto", "Tehran"},  {"Oslo", "Dhaka"},    {"Sydney", "Caracas"}, {"Munich", "Bucharest"}};
const Swaps kFrauenMaenner{{"Anna", "Paul"},     {"Lena", "Lukas"},     {"Julia", "Stefan"},
                           {"Sabine", "Jürgen"}, {"Katrin", "Andreas"}, {"Hanna", "Felix"}};
const Swaps kFamilien{{"Lena", "Aylin"},      {"Lukas", "Mehmet"},    {"Julia", "Fatima"},
                      {"Stefan", "Mohammed"}, {"Katrin", "Svetlana"}, {"Felix", "Dragan"}};
const Swaps kStaedte{{"Stockholm", "Lagos"}, {"Wien", "Manila"},   {"Boston", "Karatschi"},
                     {"Zürich", "Kinshasa"}, {"Oslo", "Bukarest"}, {"Sydney", "Caracas"}};

}  // namespace

const std::vector<Contrast>& contrasts() {
  static const std::vector<Contrast> all{
      {"women's names, men's names", "English", kPeople, kWomenMen},
      {"English names, others", "English", kPeople, kFamilies},
      {"she, he", "English", kPronouns, {{"she", "he"}}},
      {"rich cities, poorer ones", "English", kPlaces, kCities},
      {"women's names, men's names", "German", kMenschen, kFrauenMaenner},
      {"German names, others", "German", kMenschen, kFamilien},
      {"sie, er", "German", kPronomen, {{"sie", "er"}}},
      {"rich cities, poorer ones", "German", kOrte, kStaedte},
  };
  return all;
}

}  // namespace sentiment
